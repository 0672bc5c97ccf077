"""Rows in files that are mapped into memory."""

import errno
import mmap
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from worker.preparation.arrays import Array, empty

_TOGETHER = 256
"""Rows after which a file is let go of: with the page of a row Linux maps those around it, up to two megabytes."""
_SMALL = 64 << 20
"""Bytes of a file that may stay mapped."""


def chosen(array: Array, places: Array) -> Array:
    """Return some rows of an array, in this order; of one in a file, hardly more than these stay in memory."""
    if not isinstance(array, np.memmap):
        return array[places]
    rows = np.empty((len(places), *array.shape[1:]), array.dtype)
    for first in range(0, len(places), _TOGETHER):
        block = slice(first, first + _TOGETHER)
        rows[block] = array[places[block]]
        forget([array])
    return rows


def read(array: Array, places: Array) -> Array:
    """Return what `chosen` does, of an array that is in C order and, if it is in a file, whole, and that file stays.

    Rows are read from the file, not from where it is mapped: to have Linux map each with its neighbours, and let go of
    them again, takes 5 to 8 µs, and to read a row of 3 kB 2 µs.

    Raises:
        OSError: the file cannot be read, or has ended before its last row.

    """
    if not isinstance(array, np.memmap) or array.nbytes <= _SMALL:
        return np.asarray(array[places])
    rows = empty((len(places), *array.shape[1:]), array.dtype)
    room, size = rows.reshape(-1).view(np.uint8).data, rows[:1].nbytes
    ends = [*(np.flatnonzero(np.diff(places) != 1) + 1).tolist(), len(places)]
    starts = [0, *ends[:-1]]
    with Path(str(array.filename)).open("rb", buffering=0) as file:
        for start, end, place in zip(starts, ends, places[starts].tolist(), strict=True):
            _fill(room[start * size : end * size], file.fileno(), array.offset + place * size)
    return rows


def _fill(room: memoryview, file: int, offset: int) -> None:
    while room:
        count = os.preadv(file, (room,), offset)
        if not count:
            raise OSError(errno.EIO, "it has ended before its last row")
        room, offset = room[count:], offset + count


def forget(arrays: Iterable[Array]) -> None:
    """Let go of the memory in which files lie. The kernel's cache has them still, and gives them back at once."""
    for array in arrays:
        file = array.base
        if isinstance(file, mmap.mmap):
            file.madvise(mmap.MADV_DONTNEED)
