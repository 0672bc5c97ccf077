"""The state of a training between two of its calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from worker.preparation.arrays import Array


class CheckpointError(Exception):
    """A training cannot be resumed from a checkpoint."""


@dataclass(frozen=True)
class Snapshot:
    """All that the rest of a training depends on besides its spec and rows: resuming from it gives identical results.

    `epoch` and `step` count from 0 and refer to the next step. From the number of training steps on, `step` is a step
    of the epoch's validation. With `step` 0 the epoch has not begun. `epoch` epochs have been reported.
    """

    epoch: int
    step: int
    state: Mapping[str, Array]
    """Weights, seeds and the optimizer's variables; within an epoch also the metrics'; and callbacks' weights."""
    callback_state: Mapping[str, Any]
    """The callbacks' state as JSON values, by their indices in the spec."""
    stopped: bool
    """Whether a callback has ended the training before its last epoch."""
    train_metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    """The epoch's metrics over the training rows, once its validation has begun."""
