"""Data prepared in files is bit-identical to data prepared in memory."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.preprocessing import Normalizer

from service.datasets import dataset_source
from service.datasets.dataset_source import FileSource
from service.datasets.inspection import csv_file, npz_file, parquet_file
from stackyard.spec import ArraysDescription, TableDescription, check_spec
from tests.worker.preparation.checked_preparation import MEMORY, build_spec, prepare_and_check
from worker.preparation import PreparationError
from worker.preparation.arrays import split_into_blocks
from worker.preparation.out_of_core import disk_writer, prepare_files, spooled_table
from worker.preparation.transforms import normalization

ARRAYS = ("x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test", "weights")
SHARE = 600_000  # for 3,000 rows, several columns are fitted at a time


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Read a small file in many blocks, some of them of a few rows."""
    monkeypatch.setattr(disk_writer, "_BLOCK_BYTES", 4000)
    monkeypatch.setattr(spooled_table, "_CELLS_PER_BLOCK", 5000)
    monkeypatch.setattr(spooled_table, "_PARQUET_COLUMN_BYTES", SHARE // 5)
    monkeypatch.setattr(normalization, "_ROWS_PER_BLOCK", 37)


@pytest.fixture
def compare(tmp_path):
    """Prepare a source in memory and in files, compare the results, and return them."""

    def compare(spec, description, source, share=SHARE):
        in_memory = prepare_and_check(spec, description, source)
        task = check_spec(spec, description).task
        directory = tmp_path / f"prepared-{len(list(tmp_path.iterdir()))}"
        directory.mkdir()
        prepare_files.write_prepared_files(spec, description, source, task, directory, share, lambda: None)
        in_files = prepare_files.read_prepared_files(directory)
        assert not (directory / "scratch").exists()
        for name in ARRAYS:
            expected, actual = getattr(in_memory, name), getattr(in_files, name)
            assert (expected is None) == (actual is None), name
            if expected is not None:
                assert (expected.dtype, expected.shape, expected.tobytes()) == (
                    actual.dtype,
                    actual.shape,
                    actual.tobytes(),
                ), name
                assert isinstance(actual, np.memmap)
                assert not expected.flags.writeable
                assert not actual.flags.writeable
        assert in_files.inputs.model_dump_json() == in_memory.inputs.model_dump_json()
        assert in_files.target.model_dump_json() == in_memory.target.model_dump_json()
        assert in_files.class_weight == in_memory.class_weight
        return in_files

    return compare


@pytest.fixture(params=["csv", "parquet"])
def compare_table(request, tmp_path, compare):
    """Like `compare`, for a frame in a CSV or Parquet file."""

    def compare_table(frame, data, outputs=1, loss="mse", **training):
        path = tmp_path / "table"
        if request.param == "csv":
            frame.to_csv(path, index=False)
            media_type, document = dataset_source.CSV, csv_file.describe_csv(path, MEMORY)
        else:
            pq.write_table(pa.Table.from_pandas(frame), path, row_group_size=700)
            media_type, document = dataset_source.PARQUET, parquet_file.describe_parquet(path, MEMORY)
        description = TableDescription.model_validate(document)
        spec = build_spec({"dataset": "table", **data}, outputs, loss, **training)
        return compare(spec, description, FileSource(path, media_type))

    return compare_table


@pytest.fixture(params=["stored", "compressed"])
def compare_arrays(request, tmp_path, compare):
    """Like `compare`, for arrays in an NPZ file."""

    def compare_arrays(stored, data, outputs=1, loss="mse", share=SHARE, **training):
        path = tmp_path / "arrays.npz"
        (np.savez if request.param == "stored" else np.savez_compressed)(path, **stored)
        description = ArraysDescription.model_validate(npz_file.describe_npz(path, MEMORY))
        spec = build_spec({"dataset": "arrays", **data}, outputs, loss, **training)
        return compare(spec, description, FileSource(path, dataset_source.NPZ), share)

    return compare_arrays


@pytest.fixture
def frame():
    generator = np.random.default_rng(0)
    rows = 3001
    frame = pd.DataFrame({f"n{index}": generator.normal(5, 3, rows) for index in range(12)})
    return frame.assign(
        count=generator.integers(0, 9, rows),
        colour=generator.choice(["red", "green", "blue", "näve"], rows),
        who=[f"artist {number}" for number in generator.integers(0, 200, rows)],
        flag=generator.random(rows) < 0.3,
        set=generator.choice(["train", "test"], rows),
        weight=generator.random(rows),
        price=generator.normal(100, 30, rows),
        cost=generator.normal(7, 2, rows),
    )


NUMBERS = [f"n{index}" for index in range(12)]
LAST = {"validation": {"method": "last", "train_fraction": 0.8}}
PRICE = {"column": "price"}


@pytest.mark.parametrize("transform", ["none", "standard", "minmax", "robust", "l2"])
def test_transforms_of_numbers(transform, compare_table, frame):
    groups = [{"columns": [*NUMBERS, "count"], "transform": transform}, {"columns": ["cost"], "transform": transform}]
    split = {"validation": {"method": "random", "train_fraction": 0.7, "seed": 1}}
    compare_table(frame, {"target": PRICE, "features": groups, "split": split})


def test_transforms_of_categories(compare_table, frame):
    groups = [
        {"columns": ["colour", "flag"], "transform": "one_hot"},
        {"columns": ["count", "colour"][:1], "transform": "ordinal"},
    ]
    compare_table(frame, {"target": PRICE, "features": groups, "split": LAST})


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", {"strategy": "constant", "fill_value": 3}])
def test_missing_numbers_are_imputed(strategy, compare_table, frame):
    incomplete = frame.assign(n0=frame["n0"].mask(frame.index % 7 == 0), count=frame["count"].mask(frame.index == 5))
    groups = [{"columns": [*NUMBERS, "count"], "transform": "standard"}]
    compare_table(incomplete, {"target": PRICE, "features": groups, "split": LAST, "impute": strategy})


def test_missing_categories_are_imputed(compare_table, frame):
    incomplete = frame.assign(
        colour=frame["colour"].mask(frame.index % 7 == 0),
        flag=frame["flag"].astype("boolean").mask(frame.index % 11 == 0),
        count=frame["count"].astype("Int64").mask(frame.index % 5 == 0),
    )
    groups = [{"columns": ["colour", "flag", "count"], "transform": "ordinal", "impute": "most_frequent"}]
    compare_table(incomplete, {"target": PRICE, "features": groups, "split": LAST})


@pytest.mark.parametrize("largest", [2**53 + 8, 2**63 - 1])
def test_large_integers_with_missing_values(largest, compare_table, frame):
    rows = np.arange(len(frame))
    incomplete = frame.assign(
        identifier=pd.arrays.IntegerArray(largest - rows % 9, rows % 7 == 0),
        group=pd.arrays.IntegerArray(-largest + rows % 40, rows % 11 == 0),
    )
    data = {
        "target": PRICE,
        "features": [{"columns": ["identifier"], "transform": "ordinal", "impute": "most_frequent"}],
        "drop_missing": ["group"],
        "split": {"validation": {"method": "group", "column": "group", "train_fraction": 0.6}},
    }
    prepared = compare_table(incomplete, data)
    assert np.array_equal(np.unique(prepared.x_train), range(9))


@pytest.mark.parametrize("drop_missing", [True, ["n0", "colour", "flag", "price"]])
def test_rows_with_missing_values_are_dropped(drop_missing, compare_table, frame):
    incomplete = frame.assign(
        n0=frame["n0"].mask(frame.index % 7 == 0),
        colour=frame["colour"].mask(frame.index % 13 == 0),
        flag=frame["flag"].astype("boolean").mask(frame.index % 11 == 0),
        price=frame["price"].mask(frame.index % 17 == 0),
    )
    groups = [{"columns": ["n0", "n1"], "transform": "standard"}, {"columns": ["flag"]}]
    compare_table(incomplete, {"target": PRICE, "features": groups, "split": LAST, "drop_missing": drop_missing})


@pytest.mark.parametrize(
    "split",
    [
        {},
        {"validation": {"method": "last", "train_fraction": 0.9}},
        {"validation": {"method": "random", "train_fraction": 0.6}},
        {"validation": {"method": "train_test_split", "train_fraction": 0.6, "stratify": "colour"}},
        {"validation": {"method": "train_test_split", "train_fraction": 0.6, "stratify": "flag"}},
        {"validation": {"method": "train_test_split", "train_fraction": 0.6, "shuffle": False}},
        {"validation": {"method": "group", "column": "who", "train_fraction": 0.6, "seed": 3}},
        {"validation": {"method": "column", "column": "set", "values": ["test"]}},
        {"validation": {"method": "column", "column": "flag", "values": [True]}},
        {
            "test": {"method": "column", "column": "count", "values": [3, 4]},
            "validation": {"method": "group", "column": "who", "train_fraction": 0.5},
        },
        {
            "test": {"method": "last", "train_fraction": 0.9999},
            "validation": {"method": "random", "train_fraction": 0.5},
        },
    ],
)
def test_splits(split, compare_table, frame):
    groups = [{"columns": NUMBERS, "transform": "l2"}]
    compare_table(frame, {"target": PRICE, "features": groups, "split": split, "sample_weight": "weight"})


@pytest.mark.exhaustive
def test_a_subset_with_a_single_row_has_the_bits_of_a_larger_one(compare_table):
    """NumPy sums a single row in another order than one of several rows."""
    wide = pd.DataFrame({f"n{index}": np.random.default_rng(index).normal(5, 3, 300) for index in range(785)})
    data = {"target": {"column": "n0"}, "features": [{"columns": list(wide)[1:], "transform": "l2"}]}
    for row in (0, 299):
        split = {"test": {"method": "column", "column": "which", "values": [row]}}
        frame = wide.assign(which=range(300))
        in_files = compare_table(frame, {**data, "split": split})
        expected = Normalizer().fit_transform(frame[list(wide)[1:]])[row].astype("float32")
        assert np.array_equal(in_files.x_test, [expected])


@pytest.mark.parametrize("max_size", [0, 1, 2, 3, 7, 1000])
def test_no_block_has_a_single_row_if_there_are_several(max_size):
    for count in range(1, 60):
        block_rows = [range(count)[block] for block in split_into_blocks(count, max_size)]
        assert [row for rows in block_rows for row in rows] == [*range(count)]
        assert all(min(2, count) <= len(rows) <= max(3, max_size) for rows in block_rows)


def test_missing_values_in_a_column_that_decides_the_split(compare_table, frame):
    incomplete = frame.assign(flag=frame["flag"].astype("boolean").mask(frame.index % 11 == 0))
    split = {"validation": {"method": "column", "column": "flag", "values": [True]}}
    compare_table(
        incomplete, {"target": PRICE, "features": [{"columns": NUMBERS}], "split": split, "drop_missing": ["flag"]}
    )


@pytest.mark.parametrize(
    ("target", "outputs", "loss"),
    [
        ({"column": "price", "standard": True, "divide_by": 100}, 1, "mse"),
        ({"column": ["price", "cost", "n0", "n1"], "standard": True}, 4, "mse"),
        ({"column": ["price", "cost"], "divide_by": 3}, 2, "mse"),
        ({"column": "colour"}, 4, "sparse_categorical_crossentropy"),
        ({"column": "count"}, 9, "sparse_categorical_crossentropy"),
        ({"column": "colour", "encode": "one_hot"}, 4, "categorical_crossentropy"),
        ({"column": "flag"}, 1, {"type": "BinaryCrossentropy", "from_logits": True}),
    ],
)
def test_targets(target, outputs, loss, compare_table, frame):
    data = {"target": target, "features": [{"columns": ["n2", "n3"]}], "split": LAST}
    compare_table(frame, data, outputs, loss)


@pytest.mark.parametrize("encode", [None, "one_hot"])
def test_balanced_classes(encode, compare_table, frame):
    loss = "categorical_crossentropy" if encode else "sparse_categorical_crossentropy"
    data = {"target": {"column": "colour", "encode": encode}, "features": [{"columns": ["n2"]}], "split": LAST}
    in_files = compare_table(frame, data, 4, loss, class_weight="balanced")
    assert set(in_files.class_weight) == {0, 1, 2, 3}


def test_class_weights_by_name(compare_table, frame):
    data = {"target": {"column": "colour"}, "features": [{"columns": ["n2"]}], "split": LAST}
    in_files = compare_table(frame, data, 4, "sparse_categorical_crossentropy", class_weight={"red": 2, "blue": 0.25})
    assert in_files.class_weight == {0: 0.25, 3: 2.0}


def build_layouts(generator, *shape):
    rows = generator.random(shape) * 255
    return {
        "uint8": rows.astype("uint8"),
        "float32": rows.astype("float32"),
        "big-endian": rows.astype(">f8"),
        "columns first": np.asfortranarray(rows),
    }


@pytest.mark.parametrize("layout", ["uint8", "float32", "big-endian", "columns first"])
@pytest.mark.parametrize(
    "normalize", [None, {"axis": -1}, {"axis": 1, "order": 1}, {"axis": 2, "order": 3}, {"axis": -3}]
)
def test_arrays(layout, normalize, compare_arrays):
    generator = np.random.default_rng(0)
    stored = {"x": build_layouts(generator, 1001, 5, 7)[layout], "y": generator.random(1001), "w": np.arange(1001)}
    data = {"x": "x", "y": "y", "normalize": normalize, "sample_weight": "w"}
    split = {"validation": {"method": "random", "train_fraction": 0.7, "seed": 1}}
    in_files = compare_arrays(stored, {**data, "split": split})
    expected = stored["x"]
    if normalize is not None:
        axis = normalize["axis"]
        expected = expected / np.expand_dims(np.linalg.norm(expected, normalize.get("order", 2), axis), axis)
    train = pd.DataFrame(index=range(1001)).sample(frac=0.7, random_state=1).index
    assert np.array_equal(in_files.x_train, expected[train].astype("float32"))


@pytest.mark.parametrize("order", [1, 2, 2.5])
@pytest.mark.parametrize("layout", ["uint8", "float32", "columns first"])
@pytest.mark.parametrize("width", [1, 2, 9])
def test_norms_over_all_rows_equal_numpys(order, layout, width, compare_arrays):
    stored = {"x": build_layouts(np.random.default_rng(0), 1001, width)[layout], "y": np.zeros(1001)}
    in_files = compare_arrays(stored, {"x": "x", "y": "y", "normalize": {"axis": -2, "order": order}})
    norms = np.linalg.norm(stored["x"], order, 0)
    assert np.array_equal(in_files.x_train, (stored["x"] / norms).astype("float32"))


@pytest.mark.parametrize("layout", ["uint8", "columns first"])
def test_axis_0_is_normalized_as_by_keras(layout, compare_arrays):
    """Keras divides row i of a square array by the norm of column i."""
    stored = {"x": build_layouts(np.random.default_rng(0), 101, 101)[layout], "y": np.zeros(101)}
    in_files = compare_arrays(stored, {"x": "x", "y": "y", "normalize": {"axis": 0}})
    expected = stored["x"] / np.linalg.norm(stored["x"], 2, 0)[:, np.newaxis]
    assert np.array_equal(in_files.x_train, expected.astype("float32"))


def test_images_with_a_test_pair_and_classes(compare_arrays):
    generator = np.random.default_rng(0)
    stored = {
        "x_train": generator.integers(0, 256, (800, 8, 8), dtype="uint8"),
        "y_train": generator.integers(0, 10, 800),
        "x_test": generator.integers(0, 256, (90, 8, 8), dtype="uint8"),
        "y_test": generator.integers(0, 10, 90, dtype="uint8"),
    }
    data = {
        "x": "x_train",
        "y": "y_train",
        "test": {"x": "x_test", "y": "y_test"},
        "normalize": {"axis": 1},
        "target": {"encode": "one_hot"},
        "split": {"validation": {"method": "train_test_split", "train_fraction": 0.9, "stratify": "y_train"}},
    }
    compare_arrays(stored, data, 10, "categorical_crossentropy")


@pytest.mark.parametrize("layout", ["uint8", "float32", "columns first"])
@pytest.mark.parametrize("shape", [(1001,), (1001, 1), (1001, 7)])
def test_targets_of_arrays(layout, shape, compare_arrays):
    generator = np.random.default_rng(0)
    stored = {"x": generator.random((1001, 3)), "y": build_layouts(generator, *shape)[layout]}
    data = {"x": "x", "y": "y", "target": {"standard": True, "divide_by": 3}, "split": LAST}
    compare_arrays(stored, data, shape[-1] if len(shape) > 1 else 1, share=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n0": [1e300]}, "features have values"),
        ({"price": [1e300]}, "targets have values"),
    ],
)
def test_values_that_are_not_finite_are_an_error_in_both(change, message, compare_table, frame, tmp_path):
    for name, values in change.items():
        frame.loc[frame.index[-1:], name] = values
    with pytest.raises(PreparationError, match=message):
        compare_table(frame, {"target": PRICE, "features": [{"columns": NUMBERS}]})
    path = tmp_path / "again.csv"
    frame.to_csv(path, index=False)
    description = TableDescription.model_validate(csv_file.describe_csv(path, MEMORY))
    spec = build_spec({"dataset": "table", "target": PRICE, "features": [{"columns": NUMBERS}]})
    task = check_spec(spec, description).task
    (tmp_path / "made").mkdir()
    with pytest.raises(PreparationError, match=message):
        prepare_files.write_prepared_files(
            spec, description, FileSource(path, dataset_source.CSV), task, tmp_path / "made", SHARE, lambda: None
        )


def test_too_many_distinct_texts_are_an_error(tmp_path):
    path = tmp_path / "table.csv"
    pd.DataFrame({"x": range(5000), "who": [f"{index}-{'x' * 50}" for index in range(5000)]}).to_csv(path, index=False)
    description = TableDescription.model_validate(csv_file.describe_csv(path, MEMORY))
    split = {"validation": {"method": "group", "column": "who", "train_fraction": 0.5}}
    spec = build_spec(
        {"dataset": "table", "target": {"column": "x"}, "features": [{"columns": ["x"]}], "split": split}
    )
    with pytest.raises(PreparationError, match="so many different texts"):
        prepare_files.write_prepared_files(
            spec, description, FileSource(path, dataset_source.CSV), None, tmp_path, SHARE, lambda: None
        )
