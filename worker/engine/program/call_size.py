"""Choose the amount of work in a compiled call."""

import math
from typing import Any

TARGET_CALL_S = 0.2
"""Target duration of a call in seconds: between two calls the observer may stop the training."""

_OPERATIONS_PER_SECOND = 7e10
_SECONDS_PER_STEP = 0.0005
_SECONDS_PER_WEIGHT = 4e-9
_OPERATIONS_PER_WEIGHT = 6
"""Three passes of a multiplication and an addition for each weight and row."""
_DENSE_RANK = 2


def estimate_epoch_s(network: Any, rows: int, steps: int) -> float:
    """Estimate the duration of an epoch of a keras.Sequential in seconds, before any epoch was trained.

    It decides whether a call takes several epochs. To find that out by trying would prepare a graph that is then not
    used, which takes longer than many epochs.

    The estimate counts the operations of all weights and rows on one core, and for each step a fixed overhead and an
    update of every weight. It is infinite if a layer may use a weight several times for a row: its input or output has
    axes other than rows and features.
    """
    shapes = (layer.output.shape for layer in network.layers)
    if len(network.input_shape) != _DENSE_RANK or any(len(shape) != _DENSE_RANK for shape in shapes):
        return math.inf
    weights = network.count_params()
    compute_s = rows * _OPERATIONS_PER_WEIGHT * weights / _OPERATIONS_PER_SECOND
    return compute_s + steps * (_SECONDS_PER_STEP + weights * _SECONDS_PER_WEIGHT)


class CallSizer:
    """Chooses the number of steps in a call from the duration of the last call; the first call takes one step.

    Args:
        max_steps: another limit on the number of steps; values below 1 count as 1.

    """

    def __init__(self, max_steps: float = math.inf) -> None:
        self._max_steps = max_steps
        self._step_s: float | None = None

    @property
    def steps(self) -> int:
        """Number of steps for the next call; at least 1."""
        return 1 if self._step_s is None else max(1, int(min(TARGET_CALL_S / self._step_s, self._max_steps)))

    def record_call(self, steps: int, seconds: float) -> None:
        """Record the duration of a call."""
        self._step_s = max(seconds, 1e-6) / max(steps, 1)
