"""Rows in files that are mapped into memory."""

import mmap
from collections.abc import Iterable

import numpy as np

from worker.preparation.arrays import Array

_TOGETHER = 256
"""Rows after which a file is let go of: with the page of a row Linux maps those around it, up to two megabytes."""


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


def forget(arrays: Iterable[Array]) -> None:
    """Let go of the memory in which files lie. The kernel's cache has them still, and gives them back at once."""
    for array in arrays:
        file = array.base
        if isinstance(file, mmap.mmap):
            file.madvise(mmap.MADV_DONTNEED)
