"""Rows as JAX's arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from worker.preparation.arrays import Array

_numpy: Any = jax.numpy  # untyped
_ALIGNMENT = 64
"""JAX shares the memory of an array whose address is a multiple of so many bytes, and copies any other."""


@dataclass(frozen=True)
class JaxRows:
    """`x`, `y` and optionally sample weights; of their rows only the first `count` are used."""

    arrays: tuple[Any, ...]
    count: int


def wrap_rows(arrays: Sequence[Array], capacity: int) -> JaxRows:
    """Return arrays as JAX's; see `Backend.wrap_rows`."""
    return JaxRows(tuple(_numpy.asarray(_pad_rows(array, capacity)) for array in arrays), len(arrays[0]))


def _pad_rows(array: Array, capacity: int) -> Array:
    if len(array) >= capacity:
        return array
    padded = _allocate_aligned((capacity, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded


def _allocate_aligned(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return an array of any values; the system provides its memory only when it is written."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
