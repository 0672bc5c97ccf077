"""Normalized arrays are bit-identical to those of Keras, without loading Keras."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from worker.preparation import PreparationError

NORMALIZED = """
import json, sys
import numpy as np
from keras.utils import normalize
for dtype in ("uint8", "float32", "float64"):
    x = np.load(f"{sys.argv[1]}/{dtype}.npy")
    for index, (axis, order) in enumerate(json.loads(sys.argv[2])):
        np.save(f"{sys.argv[1]}/{dtype}-{index}.npy", normalize(x, axis, order).astype("float32"))
"""
AXES_AND_ORDERS = ((1, 2.0), (-1, 2.0), (2, 1.0), (-1, 3.0))


@pytest.fixture(scope="module")
def normalized(tmp_path_factory):
    """Save rows of each dtype, and Keras's results; in one process, since Keras is slow to load."""
    directory = tmp_path_factory.mktemp("normalized")
    rows = np.random.default_rng(0).random((5000, 7, 9)) * 255
    rows[3] = 0
    for dtype in ("uint8", "float32", "float64"):
        np.save(directory / f"{dtype}.npy", rows.astype(dtype))
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", NORMALIZED, directory, json.dumps(AXES_AND_ORDERS)]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return directory


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_results_are_bit_identical_to_keras(dtype, prepare_arrays, normalized):
    x = np.load(normalized / f"{dtype}.npy")
    for index, (axis, order) in enumerate(AXES_AND_ORDERS):
        data = {"x": "x", "y": "y", "normalize": {"axis": axis, "order": order}}
        prepared = prepare_arrays({"x": x, "y": np.zeros(len(x))}, data)
        assert np.array_equal(prepared.x_train, np.load(normalized / f"{dtype}-{index}.npy")), (axis, order)


def test_an_axis_that_keras_cannot_normalize_is_an_error(prepare_arrays):
    stored = {"x": np.ones((5, 3)), "y": np.zeros(5)}
    with pytest.raises(PreparationError, match="cannot normalize"):
        prepare_arrays(stored, {"x": "x", "y": "y", "normalize": {"axis": 0}})


def test_preparation_does_not_load_keras():
    program = "import sys, worker.preparation; print(*sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
