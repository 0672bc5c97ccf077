"""Arrays normalized, held against Keras to the bit, and without it."""

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
    for place, (axis, order) in enumerate(json.loads(sys.argv[2])):
        np.save(f"{sys.argv[1]}/{dtype}-{place}.npy", normalize(x, axis, order).astype("float32"))
"""
WAYS = ((1, 2.0), (-1, 2.0), (2, 1.0), (-1, 3.0))


@pytest.fixture(scope="module")
def normalized(tmp_path_factory):
    """Rows of each type, beside what Keras makes of them; one process for all, for it takes seconds to load."""
    directory = tmp_path_factory.mktemp("normalized")
    rows = np.random.default_rng(0).random((5000, 7, 9)) * 255
    rows[3] = 0
    for dtype in ("uint8", "float32", "float64"):
        np.save(directory / f"{dtype}.npy", rows.astype(dtype))
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", NORMALIZED, directory, json.dumps(WAYS)]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return directory


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_it_is_keras_own_to_the_bit(dtype, arrays, normalized):
    x = np.load(normalized / f"{dtype}.npy")
    for place, (axis, order) in enumerate(WAYS):
        data = {"x": "x", "y": "y", "normalize": {"axis": axis, "order": order}}
        made = arrays({"x": x, "y": np.zeros(len(x))}, data)
        assert np.array_equal(made.x_train, np.load(normalized / f"{dtype}-{place}.npy")), (axis, order)


def test_an_axis_of_rows_that_keras_cannot_do_is_refused(arrays):
    stored = {"x": np.ones((5, 3)), "y": np.zeros(5)}
    with pytest.raises(PreparationError, match="cannot normalize"):
        arrays(stored, {"x": "x", "y": "y", "normalize": {"axis": 0}})


def test_what_the_worker_prepares_with_loads_no_keras():
    program = "import sys, worker.preparation; print(*sorted({'keras', 'tensorflow'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
