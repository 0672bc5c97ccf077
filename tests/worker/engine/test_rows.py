"""Rows in memory are trained on where preparation put them."""

import json

import numpy as np
import pytest

from service.datasets.dataset_source import CSV, NPZ, FileSource
from service.datasets.inspection import inspect
from service.settings import Settings
from stackyard.spec import UNLIMITED, check, parse
from worker.engine.rows import rows, training_rows
from worker.preparation import prepare

NETWORK = {"layers": [{"type": "Flatten"}, {"type": "Dense", "units": 1}]}


@pytest.fixture
def prepared(tmp_path):
    """Find what a job's data section makes of a file."""

    def of(content, name, media_type, section):
        path = tmp_path / name
        content(path)
        description = inspect(path, media_type, Settings(data_dir=tmp_path))
        document = {"data": section, "network": NETWORK, "training": {"loss": "mse", "seed": 0}}
        report = check(parse(json.dumps(document).encode()), description, UNLIMITED)
        return prepare(report.spec, description, FileSource(path, media_type), report.task)

    return of


def images(path):
    draw = np.random.default_rng(0)
    np.savez(path, x=draw.integers(0, 255, (50, 7, 9)).astype("uint8"), y=draw.random(50))


def table(path):
    draw = np.random.default_rng(0)
    path.write_text("a,b,y\n" + "\n".join(",".join(map(str, row)) for row in draw.random((50, 3))))


@pytest.mark.parametrize(
    ("content", "name", "media_type", "section"),
    [
        (images, "x.npz", NPZ, {"x": "x", "y": "y"}),
        (images, "x.npz", NPZ, {"x": "x", "y": "y", "normalize": {"axis": 1}}),
        (table, "x.csv", CSV, {"target": {"column": "y"}}),
    ],
    ids=["arrays", "arrays that are normalized", "a table"],
)
def test_features_are_not_copied(prepared, content, name, media_type, section):
    data = prepared(content, name, media_type, {"dataset": "d"} | section)
    held = training_rows(data).tensors[0]
    assert np.shares_memory(np.asarray(memoryview(held)), data.x_train)


def test_rows_that_lie_elsewhere_are_the_same_rows():
    memory = np.arange(101, dtype="float32")
    for some in (memory[1:], memory[::-1], memory[1:].reshape(10, 10).T):
        np.testing.assert_array_equal(rows(some, some).tensors[0].numpy(), some)
