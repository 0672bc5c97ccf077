"""Rows that are read from a file are those that it has."""

import os

import numpy as np
import pytest

from worker.preparation import mapped_rows

ROWS = 1000


@pytest.fixture
def in_file(tmp_path, monkeypatch):
    """Put an array into a file that is too large to stay mapped."""
    monkeypatch.setattr(mapped_rows, "_SMALL", 0)

    def of(array):
        np.save(tmp_path / "rows.npy", array)
        return np.load(tmp_path / "rows.npy", mmap_mode="r")

    return of


@pytest.mark.parametrize(
    "places",
    [
        np.random.RandomState(0).permutation(ROWS),
        np.arange(ROWS),
        np.arange(500, 600, dtype=np.int32),
        np.arange(ROWS)[::-1],
        np.array([7, 8, 9, 2, 999, 0, 1, 1, 2]),
        np.array([5]),
    ],
    ids=["anywhere", "all in a row", "some in a row", "backwards", "runs", "one"],
)
@pytest.mark.parametrize("array", [np.random.default_rng(0).random((ROWS, 3, 5)).astype("f4"), np.arange(ROWS)])
def test_rows_are_those_of_the_array(in_file, array, places):
    rows = mapped_rows.read(in_file(array), places)
    assert rows.dtype == array.dtype
    np.testing.assert_array_equal(rows, array[places])


def test_rows_of_a_file_that_was_cut_off_are_an_error(in_file, tmp_path):
    """Where such a file is mapped, the system ends the process."""
    rows = in_file(np.arange(ROWS))
    os.truncate(tmp_path / "rows.npy", rows.offset + rows.nbytes - 1)
    np.testing.assert_array_equal(mapped_rows.read(rows, np.array([3, ROWS - 2])), [3, ROWS - 2])
    with pytest.raises(OSError, match="ended before its last row"):
        mapped_rows.read(rows, np.array([3, ROWS - 1]))
