"""What a worker child keeps of prepared rows, and what it knows them by."""

import json

import numpy as np
import pandas as pd
import pytest

from service.datasets import dataset_source
from service.datasets.dataset_source import BuiltinSource, FileSource
from service.datasets.inspection import csv_file, npz_file
from service.settings import Settings
from stackyard.spec import ArraysDescription, TableDescription, check, parse
from tests.factories import iris_spec
from tests.worker.preparation.promised import BUILTINS, MEMORY
from worker.preparation import Preparer

SHA256 = "a" * 64
RANDOM = {"method": "random", "train_fraction": 0.8}
DATA = {"dataset": "t", "target": {"column": "label"}, "features": [{"columns": ["n0", "n1"]}]}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A table of 1,000 rows: its description and source."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({f"n{place}": generator.random(1000) for place in range(6)})
    frame = frame.assign(label=generator.integers(0, 2, 1000), who=generator.integers(0, 50, 1000))
    path = tmp_path_factory.mktemp("rows") / "table.csv"
    frame.to_csv(path, index=False)
    return TableDescription.model_validate(csv_file.describe(path, MEMORY)), FileSource(path, dataset_source.CSV)


@pytest.fixture
def preparer(tmp_path):
    return Preparer(Settings(data_dir=tmp_path))


@pytest.fixture
def prepare(preparer, rows):
    """Prepares the table's rows as a spec's sections say."""

    def prepare(data=(), *, sha256=SHA256, described=None, outputs=1, by=preparer, **training):
        training = {"loss": "binary_crossentropy", "metrics": [], "seed": 0, **training}
        sections = {"data": {**DATA, "split": {"validation": RANDOM | {"seed": 0}}, **dict(data)}}
        return prepared(by, sections | {"training": training}, (described or rows[0], rows[1]), sha256, outputs)

    return prepare


def prepared(preparer, sections, rows, sha256=SHA256, outputs=1):
    network = sections.pop("network", {"layers": [{"type": "Flatten"}, {"type": "Dense", "units": outputs}]})
    spec = parse(json.dumps(iris_spec(network=network, **sections)).encode())
    return preparer.prepare(spec, sha256, rows[0], rows[1], check(spec, rows[0]).task, lambda: None)


def test_the_same_again_is_not_prepared_again(prepare):
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
def test_what_preparation_does_not_look_at_changes_nothing(training, prepare):
    if training.get("loss") == "mse":  # by which the label is an amount
        assert prepare() is not prepare(**training)
    else:
        assert prepare() is prepare(**training)


def test_neither_layers_nor_the_name_of_the_dataset_change_anything(prepare, preparer, rows):
    layers = [{"type": "Dense", "units": 4, "activation": "relu"}, {"type": "Dense", "units": 1}]
    data = {**DATA, "dataset": "other", "split": {"validation": RANDOM | {"seed": 0}}}
    training = {"loss": "binary_crossentropy", "metrics": [], "seed": 0}
    other = prepared(preparer, {"data": data, "network": {"layers": layers}, "training": training, "name": "b"}, rows)
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
def test_another_data_section_is_something_else(data, prepare):
    loss = "mse" if "target" in data else "binary_crossentropy"
    assert prepare(loss=loss) is not prepare(data, loss=loss)


def test_other_content_is_something_else(prepare):
    assert prepare() is not prepare(sha256="b" * 64)


def test_the_same_content_described_otherwise_is_something_else(prepare, rows):
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
@pytest.mark.parametrize("part", ["validation", "test"])
def test_the_seed_of_the_training_counts_where_a_split_draws_by_it(method, part, prepare):
    own, drawn = {"split": {part: method | {"seed": 3}}}, {"split": {part: method}}
    assert prepare(own, seed=1) is prepare(own, seed=2)
    assert prepare(drawn, seed=1) is not prepare(drawn, seed=2)
    assert prepare(drawn, seed=1) is prepare(drawn, seed=1)


@pytest.mark.parametrize(
    "method",
    [
        {"method": "last", "train_fraction": 0.8},
        {"method": "column", "column": "who", "values": [3]},
        {"method": "train_test_split", "train_fraction": 0.8, "shuffle": False},
    ],
)
def test_the_seed_of_the_training_does_not_count_where_nothing_is_drawn(method, prepare):
    data = {"split": {"validation": method}}
    assert prepare(data, seed=1) is prepare(data, seed=2)


def test_the_loss_counts_where_it_decides_what_targets_are(prepare):
    labels = prepare(loss="sparse_categorical_crossentropy", outputs=2)
    assert labels.y_train.dtype == np.int64
    losses = [
        "hinge",
        "binary_crossentropy",
        {"type": "BinaryCrossentropy", "from_logits": True},
        {"type": "SparseCategoricalCrossentropy", "from_logits": True},
    ]
    made = [labels, *(prepare(loss=loss, outputs=1 + ("Sparse" in str(loss))) for loss in losses)]
    assert len({id(one) for one in made}) == len(made)
    assert prepare(loss="squared_hinge") is made[1]


def test_what_the_outputs_mean_counts(prepare, rows):
    columns = [column.model_copy(update={"categories": None}) for column in rows[0].columns]
    described = rows[0].model_copy(update={"columns": columns})  # as of a label of more values than are listed
    loss = "sparse_categorical_crossentropy"
    two, three = (prepare(loss=loss, described=described, outputs=outputs) for outputs in (2, 3))
    assert (two.target.classes, three.target.classes) == ((0, 1), (0, 1, 2))
    assert prepare(loss=loss, described=described, outputs=2) is two


def test_losses_of_amounts_are_all_the_same(prepare):
    data = {"target": {"column": "n0"}, "features": [{"columns": ["n1"]}]}
    assert prepare(data, loss="mse") is prepare(data, loss="mae")


def test_class_weights_count(prepare):
    ways = [None, "balanced", {"0": 2}, {"0": 2, "1": 3}, {"0": 3, "1": 2}]
    made = [prepare(class_weight=way) for way in ways]
    assert len({id(one) for one in made}) == len(ways)
    assert prepare(class_weight={"1": 3, "0": 2}) is made[3]


def test_what_is_kept_cannot_be_changed(prepare):
    made = prepare({"sample_weight": "n2", "split": {"validation": RANDOM, "test": RANDOM}})
    for array in (made.x_train, made.y_train, made.x_validation, made.y_test, made.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    with pytest.raises(TypeError):
        prepare(class_weight="balanced").class_weight[0] = 9


def test_the_least_recently_used_is_let_go(tmp_path, prepare):
    by = Preparer(Settings(data_dir=tmp_path, prepared_memory=2 * prepare().bytes))
    first, second = prepare(by=by), prepare(sha256="b" * 64, by=by)
    assert prepare(by=by) is first
    third = prepare(sha256="c" * 64, by=by)
    assert prepare(by=by) is first
    assert prepare(sha256="c" * 64, by=by) is third
    assert prepare(sha256="b" * 64, by=by) is not second


def test_what_is_too_large_to_keep_drives_nothing_out(tmp_path, prepare):
    by = Preparer(Settings(data_dir=tmp_path, prepared_memory=prepare().bytes))
    wide = {"features": [{"columns": ["n0", "n1", "n2"]}]}
    first = prepare(by=by)
    assert prepare(wide, by=by) is not prepare(wide, by=by)
    assert prepare(by=by) is first


def test_built_in_tables_are_kept_too(tmp_path):
    by = Preparer(Settings(data_dir=tmp_path, data_memory=1))
    rows = (BUILTINS["iris"], BuiltinSource("iris"))
    spec = iris_spec()
    made = [
        prepared(by, {"data": spec["data"], "network": spec["network"], "training": {"epochs": epochs}}, rows)
        for epochs in (3, 9)
    ]
    assert made[0] is made[1]
    assert not isinstance(made[0].x_train, np.memmap)  # they come with a library, not with a file


def test_only_what_takes_up_more_than_the_share_goes_into_files(tmp_path, rows):
    stored, made = 1000 * 8 * 3, 1000 * (4 * 2 + 8)  # two features and a target as numbers of 8 bytes; then x and y
    for share, memmap in ((stored + made, False), (stored + made - 1, True)):
        by = Preparer(Settings(data_dir=tmp_path, data_memory=share))
        data = {**DATA, "split": {"validation": RANDOM | {"seed": 0}}}
        found = prepared(by, {"data": data, "training": {"loss": "mse", "metrics": []}}, rows)
        assert isinstance(found.x_train, np.memmap) == memmap


def test_arrays_by_the_share(tmp_path):
    path = tmp_path / "arrays.npz"
    np.savez(
        path, x=np.zeros((50, 4), np.uint8), y=np.zeros(50, np.int32), tx=np.zeros((9, 4), np.uint8), ty=np.ones(9)
    )
    rows = ArraysDescription.model_validate(npz_file.describe(path, MEMORY)), FileSource(path, dataset_source.NPZ)
    needed = 59 * 4 + 50 * 4 + 9 * 8 + 59 * (4 * 4 + 8)
    for share, memmap in ((needed, False), (needed - 1, True)):
        by = Preparer(Settings(data_dir=tmp_path, data_memory=share))
        data = {"dataset": "a", "x": "x", "y": "y", "test": {"x": "tx", "y": "ty"}}
        found = prepared(by, {"data": data, "training": {"loss": "mse", "metrics": []}}, rows)
        assert isinstance(found.x_train, np.memmap) == memmap
