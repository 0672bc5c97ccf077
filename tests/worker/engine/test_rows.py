"""Rows in memory are used without a copy."""

import json

import numpy as np
import pytest

from service.datasets.dataset_source import CSV, NPZ, FileSource
from service.datasets.inspector import inspect_file
from service.settings import Settings
from stackyard.spec import UNLIMITED, check_spec, parse_spec
from tests.worker.backends import tensorflow_only
from worker.engine.rows import build_rows, build_training_rows
from worker.preparation import prepare_data

NETWORK = {"layers": [{"type": "Flatten"}, {"type": "Dense", "units": 1}]}


@pytest.fixture
def prepared(tmp_path):
    """Prepare a file by a job's data section."""

    def prepare_file(write_content, name, media_type, section):
        path = tmp_path / name
        write_content(path)
        description = inspect_file(path, media_type, Settings(data_dir=tmp_path)).description
        document = {"data": section, "network": NETWORK, "training": {"loss": "mse", "seed": 0}}
        report = check_spec(parse_spec(json.dumps(document).encode()), description, UNLIMITED)
        return prepare_data(report.spec, description, FileSource(path, media_type), report.task)

    return prepare_file


def write_images(path):
    draw = np.random.default_rng(0)
    np.savez(path, x=draw.integers(0, 255, (50, 7, 9)).astype("uint8"), y=draw.random(50))


def write_table(path):
    draw = np.random.default_rng(0)
    path.write_text("a,b,y\n" + "\n".join(",".join(map(str, row)) for row in draw.random((50, 3))))


@tensorflow_only("JAX copies an array unless its address is a multiple of 64")
@pytest.mark.parametrize(
    ("write_content", "name", "media_type", "section"),
    [
        (write_images, "x.npz", NPZ, {"x": "x", "y": "y"}),
        (write_images, "x.npz", NPZ, {"x": "x", "y": "y", "normalize": {"axis": 1}}),
        (write_table, "x.csv", CSV, {"target": {"column": "y"}}),
    ],
    ids=["arrays", "normalized arrays", "a table"],
)
def test_features_are_not_copied(prepared, write_content, name, media_type, section):
    data = prepared(write_content, name, media_type, {"dataset": "d"} | section)
    tensor = build_training_rows(data).wrapped_rows[0]
    assert np.shares_memory(np.asarray(memoryview(tensor)), data.x_train)


@tensorflow_only("JAX shares the memory of few arrays, and its arrays are not tensors")
def test_unaligned_rows_are_copied():
    memory = np.arange(101, dtype="float32")
    for array in (memory[1:], memory[::-1], memory[1:].reshape(10, 10).T):
        np.testing.assert_array_equal(build_rows(array, array).wrapped_rows[0].numpy(), array)
