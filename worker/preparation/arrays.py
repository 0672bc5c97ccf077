"""NumPy array helpers and the error that preparation raises."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
DType = np.dtype[Any]

_FLOAT32 = np.dtype(np.float32)
_ALIGNMENT = 64
"""TensorFlow uses memory without a copy only if it starts at a multiple of this number of bytes."""


class PreparationError(Exception):
    """The rows do not permit what the spec asks for; the message is written for the job's owner."""


def allocate_aligned(shape: tuple[int, ...], dtype: DType = _FLOAT32) -> Array:
    """Return an uninitialized array whose memory TensorFlow can use without a copy."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def check_finite(array: Array, name: str) -> Array:
    """Return `array` if all its values are finite.

    Args:
        array: numbers of any type.
        name: name of the values in the error message, in the plural.

    Raises:
        PreparationError: a value is NaN or infinite, perhaps only since the conversion to float32.

    """
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise PreparationError(f"The {name} have values that are missing, infinite, or too large for float32.")
    return array


def mask_finite_rows(array: Array) -> Array:
    """Return which rows contain only finite numbers; bool of shape (rows,)."""
    return np.asarray(np.isfinite(array.reshape(len(array), -1)).all(axis=1))


def split_into_blocks(count: int, max_size: int) -> Iterator[slice]:
    """Divide `count` rows or columns into blocks of nearly equal size.

    If there are several blocks, each has at least two rows: NumPy may sum a single row or column in another order.

    Args:
        count: number of rows or columns.
        max_size: maximum size of a block; values below 3 count as 3.

    """
    block_count = -(-count // max(3, max_size))
    ends = [count * index // block_count for index in range(block_count + 1)]
    return (slice(first, last) for first, last in pairwise(ends))
