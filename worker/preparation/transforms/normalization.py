"""`keras.utils.normalize`, bit-identical, for rows of any dtype."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from stackyard.spec import Normalize
from worker.preparation.arrays import Array, PreparationError, allocate_aligned, split_into_blocks

_ROWS_PER_BLOCK = 256
"""Rows that are computed at a time, as doubles: few enough to stay in the processor's cache."""
_THREADS = 2
"""Most of the work releases Python's lock, so that a second thread helps."""
_EUCLIDEAN = 2


def normalize_rows(x: Array, options: Normalize) -> Array:
    """Return `x` divided by its norms, computed as Keras does and then converted to float32.

    Integers and booleans are computed as float64, floats in their own dtype. Along an axis within the row, each row's
    result depends on this row alone. Along the axis of rows, all rows are needed first.

    Raises:
        PreparationError: Keras cannot normalize rows of this shape along this axis.

    """
    divisors = compute_divisors(x, options) if is_across_rows(x, options) else None
    normalized = allocate_aligned(x.shape)

    def normalize_block(block: slice) -> None:
        normalized[block] = _divide_by_norm(x[block], options) if divisors is None else x[block] / divisors[block]

    with ThreadPoolExecutor(_THREADS) as threads:
        results = threads.map(normalize_block, split_into_blocks(len(x), _ROWS_PER_BLOCK))
        deque(results, maxlen=0)  # raises here the exceptions of the threads
    return normalized


def is_across_rows(x: Array, options: Normalize) -> bool:
    """Return whether a row's result depends on the other rows."""
    return options.axis % x.ndim == 0


def compute_divisors(x: Array, options: Normalize, check: Callable[[], None] = lambda: None) -> Array:
    """Return the divisor of each number for norms along the axis of rows, broadcast to the shape of `x`.

    Args:
        x: rows, which may be mapped: a block of rows, or one number of each row, is read at a time.
        options: the axis and order, where the axis is that of the rows.
        check: called between blocks; exceptions that it raises are passed on.

    Raises:
        PreparationError: Keras cannot normalize rows of this shape along this axis.

    """
    compute_norm = _compute_norm_by_rows if x.flags.c_contiguous and x[0].size > 1 else _compute_norm_by_columns
    norm = np.atleast_1d(compute_norm(x, options, check))
    norm[norm == 0] = 1
    try:
        return np.broadcast_to(_expand_norm(norm, options), x.shape)
    except ValueError:
        shape = list(x.shape)
        raise PreparationError(f"keras.utils.normalize cannot normalize {shape} along axis {options.axis}.") from None


def _compute_norm_by_rows(x: Array, options: Normalize, check: Callable[[], None]) -> Array:
    """Return the norms as NumPy computes them for contiguous rows: it adds the rows in their order."""
    total: Array | None = None
    for block in split_into_blocks(len(x), _ROWS_PER_BLOCK):
        check()
        powers = _compute_powers(x[block], options.order)
        total = np.add.reduce(powers if total is None else np.concatenate([total[None], powers]), axis=0)
    assert total is not None  # noqa: S101 there is at least one row
    return _take_root(total, options.order)


def _compute_norm_by_columns(x: Array, options: Normalize, check: Callable[[], None]) -> Array:
    """Return the norms as NumPy computes them for contiguous columns: it adds their numbers pairwise."""
    norms: list[Any] = []
    for index in np.ndindex(*x.shape[1:]):
        check()
        norms.append(np.linalg.norm(x[(slice(None), *index)], options.order, 0))
    return np.array(norms).reshape(x.shape[1:])


def _compute_powers(x: Array, order: float) -> Array:
    """Return the summands of `numpy.linalg.norm`."""
    numbers = x if x.dtype.kind == "f" else x.astype(np.float64)
    if order == _EUCLIDEAN:
        return numbers * numbers
    return np.abs(numbers) if order == 1 else np.abs(numbers) ** order


def _take_root(total: Array, order: float) -> Array:
    if order == _EUCLIDEAN:
        return np.sqrt(total)
    return total if order == 1 else total ** np.reciprocal(order, dtype=total.dtype)


def _divide_by_norm(x: Array, options: Normalize) -> Array:
    norm: Any = np.atleast_1d(np.linalg.norm(x, options.order, options.axis))
    norm[norm == 0] = 1
    return x / _expand_norm(norm, options)


def _expand_norm(norm: Array, options: Normalize) -> Array:
    return np.expand_dims(norm, options.axis or -1)  # Keras uses the last axis here for axis 0
