"""Read rows of memory-mapped files."""

import os

import numpy as np
import pytest

from worker.preparation import mapped_rows

ROWS = 1000


@pytest.fixture
def save_to_file(tmp_path, monkeypatch):
    """Save an array in a file that is too large to stay mapped."""
    monkeypatch.setattr(mapped_rows, "_MAX_MAPPED_BYTES", 0)

    def save(array):
        np.save(tmp_path / "rows.npy", array)
        return np.load(tmp_path / "rows.npy", mmap_mode="r")

    return save


@pytest.mark.parametrize(
    "indices",
    [
        np.random.RandomState(0).permutation(ROWS),
        np.arange(ROWS),
        np.arange(500, 600, dtype=np.int32),
        np.arange(ROWS)[::-1],
        np.array([7, 8, 9, 2, 999, 0, 1, 1, 2]),
        np.array([5]),
    ],
    ids=["random", "all in order", "some in order", "reversed", "runs", "one"],
)
@pytest.mark.parametrize("array", [np.random.default_rng(0).random((ROWS, 3, 5)).astype("f4"), np.arange(ROWS)])
def test_rows_equal_those_of_the_array(save_to_file, array, indices):
    rows = mapped_rows.read_rows(save_to_file(array), indices)
    assert rows.dtype == array.dtype
    np.testing.assert_array_equal(rows, array[indices])


def test_a_truncated_file_raises_an_error(save_to_file, tmp_path):
    """Reading it through a mapping would end the process by a signal."""
    rows = save_to_file(np.arange(ROWS))
    os.truncate(tmp_path / "rows.npy", rows.offset + rows.nbytes - 1)
    np.testing.assert_array_equal(mapped_rows.read_rows(rows, np.array([3, ROWS - 2])), [3, ROWS - 2])
    with pytest.raises(OSError, match="ends before its last row"):
        mapped_rows.read_rows(rows, np.array([3, ROWS - 1]))
