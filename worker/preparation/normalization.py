"""`keras.utils.normalize`, to the bit, on rows of any type."""

from typing import Any

import numpy as np

from stackyard.spec import Normalize
from worker.preparation.arrays import Array, PreparationError

_ROWS = 4096
"""How many are worked on at once, as doubles, where a row's norm is its own."""


def normalize(x: Array, how: Normalize) -> Array:
    """`x` divided by its norms, computed as Keras does and then made float32.

    Integers and booleans are computed with as float64, floats as what they are. An axis within the row makes each
    row's result its own, so rows are taken a few at a time; along the axis of rows, all are needed at once.

    Raises:
        PreparationError: along this axis Keras cannot normalize rows of this shape.

    """
    if how.axis % x.ndim == 0:
        return _whole(x, how)
    made = np.empty(x.shape, np.float32)
    for first in range(0, len(x), _ROWS):
        made[first : first + _ROWS] = _divide(x[first : first + _ROWS], how)
    return made


def _whole(x: Array, how: Normalize) -> Array:
    try:
        made = _divide(x, how)
    except ValueError:
        made = None
    if made is None or made.shape != x.shape:
        shape = list(x.shape)
        raise PreparationError(f"keras.utils.normalize cannot normalize {shape} along axis {how.axis}.")
    return made.astype(np.float32)


def _divide(x: Array, how: Normalize) -> Array:
    norm: Any = np.atleast_1d(np.linalg.norm(x, how.order, how.axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, how.axis or -1)  # Keras takes axis 0 for the last one here
