"""How much a compiled call does."""

import math
from typing import Any

SLICE_S = 0.2
"""About how long a call should take: whoever looks on is asked between two of them whether to go on."""

_OPERATIONS_S = 7e10
_STEP_S = 0.0005
_WEIGHT_S = 4e-9
_ROWS_RANK = 2


def guess(network: Any, rows: int, steps: int) -> float:
    """Guess for how many seconds an epoch of a keras.Sequential lasts, before any was trained.

    Whether a call takes several epochs depends on it, and to find that out by trying costs a graph that is then not
    used: a third of a second.

    Three passes of a multiply-add a weight and row, on one core, and for each of `steps` half a millisecond and an
    update of every weight. Infinite where a layer may use a weight more than once a row: its input or output has other
    axes than rows and features.
    """
    shapes = (layer.output.shape for layer in network.layers)
    if len(network.input_shape) != _ROWS_RANK or any(len(shape) != _ROWS_RANK for shape in shapes):
        return math.inf
    weights = network.count_params()
    return rows * 6 * weights / _OPERATIONS_S + steps * (_STEP_S + weights * _WEIGHT_S)


class Pace:
    """How many steps make a call of about `SLICE_S`, by how long the last one took; the first call takes one step.

    Args:
        most: steps a call, where they are bounded by something else, too; less than 1 counts as 1.

    """

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._each: float | None = None

    @property
    def steps(self) -> int:
        """How many steps the next call should take; at least 1."""
        return 1 if self._each is None else max(1, int(min(SLICE_S / self._each, self._most)))

    def took(self, steps: int, seconds: float) -> None:
        """Take note of a call."""
        self._each = max(seconds, 1e-6) / max(steps, 1)
