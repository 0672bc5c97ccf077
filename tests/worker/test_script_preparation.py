"""The rows that an exported script prepares are those that the worker prepares, to the bit."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from service.datasets import dataset_source
from service.datasets.dataset_source import FileSource
from service.datasets.inspection import csv_file, parquet_file
from stackyard.spec import TableDescription, check_spec
from stackyard.spec.script import DatasetOrigin, TableSource, write_script
from tests.worker.preparation.checked_preparation import MEMORY, build_spec, prepare_and_check
from worker.preparation import prepare_data
from worker.preparation.dataset_rows import DatasetRows
from worker.preparation.out_of_core import prepare_files

ARRAYS = ("x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test")
LARGE = 2**53
ROWS = 60


@pytest.fixture(params=["csv", "parquet"])
def prepare_both(request, tmp_path, monkeypatch):
    """Prepare a frame by the worker and by the script; return the arrays of the worker, which must be equal."""
    directory = tmp_path / "prepared"
    directory.mkdir()

    def store(frame, name):
        path = tmp_path / f"{name}.{request.param}"
        has_index = frame.index.names != [None]
        if request.param == "csv":
            frame.to_csv(path, index=has_index)
            return FileSource(path, dataset_source.CSV), csv_file.describe_csv(path, MEMORY)
        frame.to_parquet(path, index=has_index)
        return FileSource(path, dataset_source.PARQUET), parquet_file.describe_parquet(path, MEMORY)

    def prepare(frame, data, outputs=1, loss="mse", test_frame=None):
        source, document = store(frame, "table")
        description = TableDescription.model_validate(document)
        spec = build_spec({"dataset": "table", **data}, outputs, loss)
        origin, arguments = DatasetOrigin(request.param), [str(source.path)]
        if test_frame is None:
            prepared, test = prepare_and_check(spec, description, source), None
        else:
            test_source, document = store(test_frame, "test")
            test = TableSource(TableDescription.model_validate(document), origin)
            arguments.append(str(test_source.path))
            task = check_spec(spec, description, None, test.table).task
            rows = DatasetRows("b" * 64, test.table, test_source)
            prepared = prepare_data(spec, description, source, task, test_dataset=rows)
            prepare_files.write_prepared_files(spec, description, source, task, directory, 2**20, lambda: None, rows)
            in_files = prepare_files.read_prepared_files(directory)
            for name in ARRAYS:
                assert np.array_equal(getattr(in_files, name), getattr(prepared, name)), name
        script = write_script(spec, description, origin, test=test)
        monkeypatch.setattr("sys.argv", ["train.py", *arguments])
        monkeypatch.setenv("KERAS_BACKEND", "")  # the script sets it; this restores it after the test
        names = {}
        exec(script.partition("keras.utils.set_random_seed")[0], names)  # noqa: S102  # the part that prepares
        for name in ARRAYS:
            expected = getattr(prepared, name)
            if expected is not None:
                assert names[name].tobytes() == expected.astype(names[name].dtype).tobytes(), name
        return prepared

    return prepare


def build_identified_frame():
    """Build a frame with integers beyond 2^53 that differ by 1, some of them missing."""
    identifiers = pd.array([LARGE + row % 4 for row in range(ROWS)], dtype="Int64")
    identifiers[::7] = pd.NA
    return pd.DataFrame({"id": identifiers, "n": np.arange(ROWS) / 7, "y": np.arange(ROWS) % 5 / 3})


N = {"columns": ["n"]}
TARGET = {"column": "y"}
DROP_GRADE = {"drop_missing": ["grade"]}


def test_classes_of_large_integers_stay_apart(prepare_both):
    frame = build_identified_frame()
    data = {"target": {"column": "id", "encode": "one_hot"}, "features": [N], "drop_missing": ["id"]}
    prepared = prepare_both(frame, data, 4, "categorical_crossentropy")
    assert np.array_equal(prepared.y_train, pd.get_dummies(frame["id"].dropna()).to_numpy("float32"))


@pytest.mark.parametrize("transform", ["one_hot", "ordinal"])
@pytest.mark.parametrize("impute", ["most_frequent", {"strategy": "constant", "fill_value": LARGE + 1}])
def test_imputed_categories_of_large_integers_stay_apart(transform, impute, prepare_both):
    frame = build_identified_frame()
    groups = [{"columns": ["id"], "transform": transform, "impute": impute}]
    prepared = prepare_both(frame, {"target": TARGET, "features": groups})
    filled = frame["id"].fillna(frame["id"].mode()[0] if impute == "most_frequent" else LARGE + 1).astype("int64")
    codes = prepared.x_train.argmax(axis=1) if transform == "one_hot" else prepared.x_train[:, 0]
    assert np.array_equal(codes, filled - LARGE)


@pytest.mark.parametrize(
    "method",
    [
        {"method": "group", "column": "id", "train_fraction": 0.5, "seed": 2},
        {"method": "column", "column": "id", "values": [LARGE + 1]},
        {"method": "train_test_split", "train_fraction": 0.5, "seed": 2, "stratify": "id"},
    ],
)
def test_rows_are_split_by_large_integers(method, prepare_both):
    frame = build_identified_frame()
    data = {"target": TARGET, "features": [N], "drop_missing": ["id"], "split": {"validation": method}}
    prepared = prepare_both(frame, data)
    remaining = frame.dropna(subset=["id"])
    held_out = remaining[remaining["n"].astype("float32").isin(prepared.x_validation[:, 0])]["id"]
    trained = remaining[remaining["n"].astype("float32").isin(prepared.x_train[:, 0])]["id"]
    if method["method"] == "train_test_split":
        assert held_out.nunique() == trained.nunique() == 4
    else:
        assert held_out.nunique() + trained.nunique() == 4
        assert set(held_out).isdisjoint(trained)


def test_large_integers_as_numbers_are_rounded_once(prepare_both):
    frame = build_identified_frame()
    groups = [{"columns": ["id"], "transform": "standard", "impute": "mean"}]
    prepare_both(frame, {"target": {"column": "n"}, "features": groups})


def test_integers_beyond_64_bits_are_the_same_texts_in_the_script(prepare_both):
    """pandas reads the first column as uint64, which sorts otherwise, and the second one as text."""
    codes = np.resize([str(2**63), str(10**19), "7"], ROWS)
    frame = pd.DataFrame({"code": codes, "group": np.resize([str(2**64), "5"], ROWS), "y": np.arange(ROWS) / 3})
    groups = [{"columns": ["code"], "transform": "one_hot"}]
    split = {"test": {"method": "group", "column": "group", "train_fraction": 0.5}}
    prepared = prepare_both(frame, {"target": TARGET, "features": groups, "split": split})
    rows = frame[np.isin(frame["y"].astype("float32"), prepared.y_train)]
    assert len(set(rows["group"])) == 1
    assert np.array_equal(prepared.x_train, pd.get_dummies(rows["code"]).to_numpy("float32"))


def build_sales():
    generator = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "price": generator.lognormal(3, 1, ROWS),
            "sold": generator.integers(0, 9, ROWS),
            "size": generator.normal(5, 2, ROWS),
            "city": generator.choice(["Rome", "Oslo", "Bern"], ROWS),
            "shop": generator.choice(["a", "b"], ROWS),
            "open": generator.choice([True, False], ROWS),
            "grade": generator.integers(0, 3, ROWS).astype("float64"),
        }
    )


@pytest.mark.parametrize("index", [["shop"], ["sold", "city"]], ids=["one level", "two levels"])
def test_an_index_with_a_name_is_a_column(index, prepare_both):
    frame = build_sales()
    groups = [
        {"columns": ["sold", "size"], "transform": "standard"},
        {"columns": ["shop", "city"], "transform": "one_hot"},
    ]
    prepared = prepare_both(frame.set_index(index), {"target": {"column": "price"}, "features": groups})
    expected = make_column_transformer(
        (StandardScaler(), ["sold", "size"]), (OneHotEncoder(sparse_output=False), ["shop", "city"])
    ).fit_transform(frame)
    assert np.array_equal(prepared.x_train, expected.astype("float32"))


def test_an_index_of_large_integers_keeps_them_apart(prepare_both):
    frame = build_identified_frame()
    groups = [{"columns": ["id"], "transform": "ordinal", "impute": "most_frequent"}]
    prepared = prepare_both(frame.set_index("id"), {"target": TARGET, "features": groups})
    filled = frame["id"].fillna(frame["id"].mode()[0]).astype("int64")
    assert np.array_equal(prepared.x_train[:, 0], filled - LARGE)


@pytest.mark.parametrize("standard", [True, False])
@pytest.mark.parametrize(("column", "transform", "function"), [("price", "log", np.log), ("sold", "log1p", np.log1p)])
def test_logarithms_of_a_target_equal_numpys_and_are_undone(column, transform, function, standard, prepare_both):
    frame = build_sales()
    target = {"column": column, "transform": transform, "divide_by": 2.0, "standard": standard}
    prepared = prepare_both(frame, {"target": target, "features": [{"columns": ["size"]}]})
    expected = function(frame[[column]]) / 2
    if standard:
        expected = StandardScaler().fit_transform(expected)
    assert np.array_equal(prepared.y_train, np.asarray(expected, "float32")[:, 0])
    undone = prepared.target.undo_scaling(prepared.y_train)[:, 0]
    assert undone == pytest.approx(frame[column].to_numpy(), rel=1e-5, abs=1e-5)


def test_several_targets_have_logarithms(prepare_both):
    frame = build_sales()
    target = {"column": ["price", "sold"], "transform": "log1p", "standard": True}
    prepared = prepare_both(frame, {"target": target, "features": [{"columns": ["size"]}]}, outputs=2)
    expected = StandardScaler().fit_transform(np.log1p(frame[["price", "sold"]]))
    assert np.array_equal(prepared.y_train, expected.astype("float32"))


@pytest.mark.parametrize("encode", [None, "one_hot"])
def test_floats_that_are_whole_numbers_are_classes(encode, prepare_both):
    frame = build_sales()
    loss = "sparse_categorical_crossentropy" if encode is None else "categorical_crossentropy"
    split = {"test": {"method": "train_test_split", "train_fraction": 0.5, "stratify": "grade"}}
    data = {"target": {"column": "grade", "encode": encode}, "features": [{"columns": ["size"]}], "split": split}
    prepared = prepare_both(frame, data, 3, loss)
    labels = prepared.y_train if encode is None else prepared.y_train.argmax(axis=1)
    assert set(labels) == {0, 1, 2}
    assert prepared.target.classes == (0, 1, 2)


@pytest.mark.parametrize("transform", ["one_hot", "ordinal"])
def test_floats_that_are_whole_numbers_are_categories(transform, prepare_both):
    frame = build_sales()
    frame["grade"] = frame["grade"].mask(frame.index == 4)
    groups = [{"columns": ["grade"], "transform": transform, "impute": "most_frequent"}]
    split = {"test": {"method": "column", "column": "grade", "values": [1.0]}}
    prepared = prepare_both(frame, {"target": {"column": "price"}, "features": groups})
    filled = frame[["grade"]].fillna(frame["grade"].mode()[0])
    encoder = OneHotEncoder(sparse_output=False) if transform == "one_hot" else OrdinalEncoder()
    assert np.array_equal(prepared.x_train, encoder.fit_transform(filled))
    prepared = prepare_both(
        frame, {"target": {"column": "price"}, "features": [{"columns": ["size"]}], "split": split} | DROP_GRADE
    )
    assert len(prepared.x_test) == (frame["grade"] == 1).sum()


def test_groups_select_columns_by_their_kind(prepare_both):
    frame = build_sales()
    groups = [
        {"select": "numeric", "transform": "standard"},
        {"select": "text", "transform": "one_hot"},
        {"columns": ["grade"], "transform": "one_hot"},
        {"select": "boolean"},
    ]
    prepared = prepare_both(frame, {"target": {"column": "price"}, "features": groups, "exclude": ["shop"]})
    expected = make_column_transformer(
        (StandardScaler(), ["sold", "size"]),
        (OneHotEncoder(sparse_output=False), ["city"]),
        (OneHotEncoder(sparse_output=False), ["grade"]),
        ("passthrough", ["open"]),
    ).fit_transform(frame)
    assert np.array_equal(prepared.x_train, expected.astype("float32"))


def test_excluded_columns_are_no_features_by_default(prepare_both):
    frame = build_sales()
    prepared = prepare_both(frame, {"target": {"column": "price"}, "exclude": ["city", "shop"]})
    assert np.array_equal(prepared.x_train, frame[["sold", "size", "open", "grade"]].to_numpy("float32"))


def test_the_rows_of_a_test_dataset_are_transformed_as_the_training_rows_taught(prepare_both):
    frame, test_frame = build_sales(), build_sales()[["city", "sold", "size", "price", "open"]][:20]
    test_frame["city"] = test_frame["city"].replace("Rome", "Lima")
    test_frame["size"] = (test_frame["size"] + 100).mask(test_frame.index == 3)
    test_frame["sold"] = test_frame["sold"].mask(test_frame.index == 5)
    numeric = ["sold", "size"]
    data = {
        "target": {"column": "price", "transform": "log", "standard": True},
        "features": [
            {"columns": numeric, "transform": "standard", "impute": "median"},
            {"columns": ["city"], "transform": "one_hot"},
        ],
        "drop_missing": ["sold"],
        "test_dataset": "test",
        "split": {"validation": {"method": "last", "train_fraction": 0.8}},
    }
    prepared = prepare_both(frame, data, test_frame=test_frame)
    train, test = frame[:48], test_frame.dropna(subset=["sold"])
    inputs = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numeric),
        (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["city"]),
    ).fit(train)
    assert np.array_equal(prepared.x_test, inputs.transform(test).astype("float32"))
    scaler = StandardScaler().fit(np.log(train[["price"]]))
    assert np.array_equal(prepared.y_test, scaler.transform(np.log(test[["price"]]))[:, 0].astype("float32"))
    assert len(prepared.x_validation) == 12
