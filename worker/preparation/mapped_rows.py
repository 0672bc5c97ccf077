"""Read rows of memory-mapped files without keeping the files' pages in memory."""

import errno
import mmap
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from worker.preparation.arrays import Array, allocate_aligned

_ROWS_PER_RELEASE = 256
"""Rows after which a file's pages are released: Linux maps up to two megabytes around the page of each row."""
_MAX_MAPPED_BYTES = 64 << 20
"""Size up to which a file may stay mapped."""


def select_rows(array: Array, indices: Array) -> Array:
    """Return the rows at these indices, in their order. Of a mapped array, little more than these stays in memory."""
    if not isinstance(array, np.memmap):
        return array[indices]
    rows = np.empty((len(indices), *array.shape[1:]), array.dtype)
    for first in range(0, len(indices), _ROWS_PER_RELEASE):
        block = slice(first, first + _ROWS_PER_RELEASE)
        rows[block] = array[indices[block]]
        release_pages([array])
    return rows


def read_rows(array: Array, indices: Array) -> Array:
    """Return the same rows as `select_rows`, read with `preadv` if the array is a large mapped file.

    Reading is faster than to map every row together with its neighbors and to release the pages again.

    Args:
        array: in C order. If it is mapped, it is the whole file, and the file is not removed.
        indices: indices of the rows.

    Raises:
        OSError: the file cannot be read, or is shorter than its header says.

    """
    if not isinstance(array, np.memmap) or array.nbytes <= _MAX_MAPPED_BYTES:
        return np.asarray(array[indices])
    rows = allocate_aligned((len(indices), *array.shape[1:]), array.dtype)
    buffer, row_size = rows.reshape(-1).view(np.uint8).data, rows[:1].nbytes
    ends = [*(np.flatnonzero(np.diff(indices) != 1) + 1).tolist(), len(indices)]
    starts = [0, *ends[:-1]]
    with Path(str(array.filename)).open("rb", buffering=0) as file:
        for start, end, row in zip(starts, ends, indices[starts].tolist(), strict=True):
            _read_into(buffer[start * row_size : end * row_size], file.fileno(), array.offset + row * row_size)
    return rows


def _read_into(buffer: memoryview, file: int, offset: int) -> None:
    while buffer:
        count = os.preadv(file, (buffer,), offset)
        if not count:
            raise OSError(errno.EIO, "the file ends before its last row")
        buffer, offset = buffer[count:], offset + count


def release_pages(arrays: Iterable[Array]) -> None:
    """Release the pages of mapped files. They stay in the kernel's page cache and are cheap to map again."""
    for array in arrays:
        file = array.base
        if isinstance(file, mmap.mmap):
            file.madvise(mmap.MADV_DONTNEED)
