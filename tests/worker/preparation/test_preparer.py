"""The cache of prepared data in a worker child, and its keys."""

import json

import numpy as np
import pandas as pd
import pytest

from service.datasets import dataset_source
from service.datasets.dataset_source import BuiltinSource, FileSource
from service.datasets.inspection import csv_file, npz_file
from service.settings import Settings
from stackyard.spec import ArraysDescription, TableDescription, check_spec, parse_spec
from tests.factories import iris_spec
from tests.worker.preparation.checked_preparation import BUILTINS, MEMORY
from worker.preparation import Preparer

SHA256 = "a" * 64
RANDOM = {"method": "random", "train_fraction": 0.8}
DATA = {"dataset": "t", "target": {"column": "label"}, "features": [{"columns": ["n0", "n1"]}]}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The description and source of a table of 1,000 rows."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({f"n{index}": generator.random(1000) for index in range(6)})
    frame = frame.assign(label=generator.integers(0, 2, 1000), who=generator.integers(0, 50, 1000))
    path = tmp_path_factory.mktemp("rows") / "table.csv"
    frame.to_csv(path, index=False)
    return TableDescription.model_validate(csv_file.describe_csv(path, MEMORY)), FileSource(path, dataset_source.CSV)


@pytest.fixture
def preparer(tmp_path):
    return Preparer(Settings(data_dir=tmp_path))


@pytest.fixture
def prepare(preparer, rows):
    """Prepare the table by a spec's sections."""

    def prepare(data=(), *, sha256=SHA256, described=None, outputs=1, using=preparer, **training):
        training = {"loss": "binary_crossentropy", "metrics": [], "seed": 0, **training}
        sections = {"data": {**DATA, "split": {"validation": RANDOM | {"seed": 0}}, **dict(data)}}
        return prepare_sections(
            using, sections | {"training": training}, (described or rows[0], rows[1]), sha256, outputs
        )

    return prepare


def prepare_sections(preparer, sections, rows, sha256=SHA256, outputs=1):
    network = sections.pop("network", {"layers": [{"type": "Flatten"}, {"type": "Dense", "units": outputs}]})
    spec = parse_spec(json.dumps(iris_spec(network=network, **sections)).encode())
    return preparer.prepare(spec, sha256, rows[0], rows[1], check_spec(spec, rows[0]).task, lambda: None)


def test_equal_jobs_share_prepared_data(prepare):
    assert prepare() is prepare()


@pytest.mark.parametrize(
    "training",
    [
        {"optimizer": {"type": "Adam", "learning_rate": 0.5}},
        {"epochs": 9},
        {"batch_size": 7},
        {"seed": 5},
        {"shuffle": False},
        {"metrics": ["accuracy"]},
        {"callbacks": [{"type": "EarlyStopping"}]},
        {"loss": "mse"},
        {"loss": {"type": "BinaryCrossentropy", "label_smoothing": 0.1}},
    ],
)
def test_unrelated_training_settings_do_not_change_the_key(training, prepare):
    if training.get("loss") == "mse":  # with which the label is a quantity
        assert prepare() is not prepare(**training)
    else:
        assert prepare() is prepare(**training)


def test_layers_and_the_dataset_name_do_not_change_the_key(prepare, preparer, rows):
    layers = [{"type": "Dense", "units": 4, "activation": "relu"}, {"type": "Dense", "units": 1}]
    data = {**DATA, "dataset": "other", "split": {"validation": RANDOM | {"seed": 0}}}
    training = {"loss": "binary_crossentropy", "metrics": [], "seed": 0}
    other = prepare_sections(
        preparer, {"data": data, "network": {"layers": layers}, "training": training, "name": "b"}, rows
    )
    assert other is prepare()


@pytest.mark.parametrize(
    "data",
    [
        {"target": {"column": "who"}},
        {"target": {"column": "label", "divide_by": 2}},
        {"target": {"column": "label", "standard": True}},
        {"features": [{"columns": ["n1", "n0"]}]},
        {"features": [{"columns": ["n0", "n1"], "transform": "standard"}]},
        {"features": [{"columns": ["n0"]}, {"columns": ["n1"]}]},
        {"split": {"validation": RANDOM | {"seed": 1}}},
        {"split": {"validation": RANDOM | {"seed": 0, "train_fraction": 0.7}}},
        {"split": {"test": RANDOM | {"seed": 0}}},
        {"sample_weight": "n2"},
        {"drop_missing": True},
        {"impute": "mean"},
    ],
)
def test_another_data_section_changes_the_key(data, prepare):
    loss = "mse" if "target" in data else "binary_crossentropy"
    assert prepare(loss=loss) is not prepare(data, loss=loss)


def test_other_content_changes_the_key(prepare):
    assert prepare() is not prepare(sha256="b" * 64)


def test_another_description_changes_the_key(prepare, rows):
    columns = [column.model_copy(update={"type": "float", "categories": None}) for column in rows[0].columns]
    described = rows[0].model_copy(update={"columns": columns})
    assert prepare(loss="mse") is not prepare(loss="mse", described=described)


@pytest.mark.parametrize(
    "method",
    [
        {"method": "random", "train_fraction": 0.8},
        {"method": "train_test_split", "train_fraction": 0.8},
        {"method": "group", "column": "who", "train_fraction": 0.8},
    ],
)
@pytest.mark.parametrize("subset", ["validation", "test"])
def test_the_training_seed_changes_the_key_if_a_split_uses_it(method, subset, prepare):
    with_seed, without_seed = {"split": {subset: method | {"seed": 3}}}, {"split": {subset: method}}
    assert prepare(with_seed, seed=1) is prepare(with_seed, seed=2)
    assert prepare(without_seed, seed=1) is not prepare(without_seed, seed=2)
    assert prepare(without_seed, seed=1) is prepare(without_seed, seed=1)


@pytest.mark.parametrize(
    "method",
    [
        {"method": "last", "train_fraction": 0.8},
        {"method": "column", "column": "who", "values": [3]},
        {"method": "train_test_split", "train_fraction": 0.8, "shuffle": False},
    ],
)
def test_the_training_seed_does_not_change_the_key_without_a_random_split(method, prepare):
    data = {"split": {"validation": method}}
    assert prepare(data, seed=1) is prepare(data, seed=2)


def test_the_loss_changes_the_key_if_it_decides_the_targets(prepare):
    labels = prepare(loss="sparse_categorical_crossentropy", outputs=2)
    assert labels.y_train.dtype == np.int64
    losses = [
        "hinge",
        "binary_crossentropy",
        {"type": "BinaryCrossentropy", "from_logits": True},
        {"type": "SparseCategoricalCrossentropy", "from_logits": True},
    ]
    results = [labels, *(prepare(loss=loss, outputs=1 + ("Sparse" in str(loss))) for loss in losses)]
    assert len({id(result) for result in results}) == len(results)
    assert prepare(loss="squared_hinge") is results[1]


def test_the_meaning_of_outputs_changes_the_key(prepare, rows):
    columns = [column.model_copy(update={"categories": None}) for column in rows[0].columns]
    described = rows[0].model_copy(update={"columns": columns})  # as if the label had more values than are listed
    loss = "sparse_categorical_crossentropy"
    two, three = (prepare(loss=loss, described=described, outputs=outputs) for outputs in (2, 3))
    assert (two.target.classes, three.target.classes) == ((0, 1), (0, 1, 2))
    assert prepare(loss=loss, described=described, outputs=2) is two


def test_regression_losses_share_prepared_data(prepare):
    data = {"target": {"column": "n0"}, "features": [{"columns": ["n1"]}]}
    assert prepare(data, loss="mse") is prepare(data, loss="mae")


def test_class_weights_change_the_key(prepare):
    weights = [None, "balanced", {"0": 2}, {"0": 2, "1": 3}, {"0": 3, "1": 2}]
    results = [prepare(class_weight=weight) for weight in weights]
    assert len({id(result) for result in results}) == len(weights)
    assert prepare(class_weight={"1": 3, "0": 2}) is results[3]


def test_cached_data_is_read_only(prepare):
    prepared = prepare({"sample_weight": "n2", "split": {"validation": RANDOM, "test": RANDOM}})
    for array in (prepared.x_train, prepared.y_train, prepared.x_validation, prepared.y_test, prepared.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    with pytest.raises(TypeError):
        prepare(class_weight="balanced").class_weight[0] = 9


def test_the_least_recently_used_data_is_removed(tmp_path, prepare):
    other_preparer = Preparer(Settings(data_dir=tmp_path, prepared_memory=2 * prepare().nbytes))
    first, second = prepare(using=other_preparer), prepare(sha256="b" * 64, using=other_preparer)
    assert prepare(using=other_preparer) is first
    third = prepare(sha256="c" * 64, using=other_preparer)
    assert prepare(using=other_preparer) is first
    assert prepare(sha256="c" * 64, using=other_preparer) is third
    assert prepare(sha256="b" * 64, using=other_preparer) is not second


def test_data_too_large_for_the_cache_removes_no_other_data(tmp_path, prepare):
    other_preparer = Preparer(Settings(data_dir=tmp_path, prepared_memory=prepare().nbytes))
    wide = {"features": [{"columns": ["n0", "n1", "n2"]}]}
    first = prepare(using=other_preparer)
    assert prepare(wide, using=other_preparer) is not prepare(wide, using=other_preparer)
    assert prepare(using=other_preparer) is first


def test_built_in_tables_are_cached(tmp_path):
    other_preparer = Preparer(Settings(data_dir=tmp_path, data_memory=1))
    rows = (BUILTINS["iris"], BuiltinSource("iris"))
    spec = iris_spec()
    results = [
        prepare_sections(
            other_preparer, {"data": spec["data"], "network": spec["network"], "training": {"epochs": epochs}}, rows
        )
        for epochs in (3, 9)
    ]
    assert results[0] is results[1]
    assert not isinstance(results[0].x_train, np.memmap)  # they are not read from a file


def test_only_tables_larger_than_the_memory_share_are_prepared_in_files(tmp_path, rows):
    # Two features and a target as numbers of 8 bytes; then x and y.
    raw_size, prepared_size = 1000 * 8 * 3, 1000 * (4 * 2 + 8)
    for share, memmap in ((raw_size + prepared_size, False), (raw_size + prepared_size - 1, True)):
        other_preparer = Preparer(Settings(data_dir=tmp_path, data_memory=share))
        data = {**DATA, "split": {"validation": RANDOM | {"seed": 0}}}
        prepared = prepare_sections(other_preparer, {"data": data, "training": {"loss": "mse", "metrics": []}}, rows)
        assert isinstance(prepared.x_train, np.memmap) == memmap


def test_only_arrays_larger_than_the_memory_share_are_prepared_in_files(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(
        path, x=np.zeros((50, 4), np.uint8), y=np.zeros(50, np.int32), tx=np.zeros((9, 4), np.uint8), ty=np.ones(9)
    )
    rows = ArraysDescription.model_validate(npz_file.describe_npz(path, MEMORY)), FileSource(path, dataset_source.NPZ)
    size = 59 * 4 + 50 * 4 + 9 * 8 + 59 * (4 * 4 + 8)
    for share, memmap in ((size, False), (size - 1, True)):
        other_preparer = Preparer(Settings(data_dir=tmp_path, data_memory=share))
        data = {"dataset": "a", "x": "x", "y": "y", "test": {"x": "tx", "y": "ty"}}
        prepared = prepare_sections(other_preparer, {"data": data, "training": {"loss": "mse", "metrics": []}}, rows)
        assert isinstance(prepared.x_train, np.memmap) == memmap


@pytest.mark.parametrize(("text_bytes", "is_large"), [(None, False), (800 * 5_000_000, True)])
def test_the_size_of_repeated_texts_decides_whether_rows_are_prepared_in_files(preparer, text_bytes, is_large):
    text = {"name": "t", "type": "text", "missing": 0, "categories": ["a"], "text_bytes": text_bytes}
    number = {"name": "label", "type": "float", "missing": 0, "minimum": 0, "maximum": 1}
    described = TableDescription.model_validate({"rows": 5_000_000, "columns": [text, number]})
    data = {"dataset": "t", "target": {"column": "label"}, "features": [{"columns": ["t"], "transform": "one_hot"}]}
    spec = parse_spec(json.dumps(iris_spec(data=data)).encode())
    assert preparer.exceeds_memory(spec, described) is is_large
