"""Arrays of numbers, and how preparation says that it cannot make them."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
DType = np.dtype[Any]

_FLOAT32 = np.dtype(np.float32)
_ALIGNMENT = 64
"""Bytes at whose multiples TensorFlow wants a tensor to begin; elsewhere it makes a copy."""


class PreparationError(Exception):
    """The rows cannot be made into what the spec asks for; the message is a sentence for the job's owner."""


def empty(shape: tuple[int, ...], dtype: DType = _FLOAT32) -> Array:
    """Return numbers of a shape, not filled yet, where TensorFlow can use them as they lie."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def check_finite(array: Array, what: str) -> Array:
    """Give `array` back.

    Raises:
        PreparationError: it has NaN or an infinity, perhaps only since it is float32.

    """
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise PreparationError(f"The {what} have values that are missing, infinite, or too large for float32.")
    return array


def blocks(count: int, most: int) -> Iterator[slice]:
    """Divide so many rows, or columns, into blocks of nearly the same size.

    None has a single one where there are several: with a single row or column NumPy may sum in another order.

    Args:
        count: how many there are.
        most: of a block; less than 3 counts as 3.

    """
    number = -(-count // max(3, most))
    ends = [count * place // number for place in range(number + 1)]
    return (slice(first, last) for first, last in pairwise(ends))
