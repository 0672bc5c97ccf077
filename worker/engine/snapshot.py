"""A training between two of its calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from worker.preparation.arrays import Array


class CheckpointError(Exception):
    """A training cannot be taken up from what was kept of it."""


@dataclass(frozen=True)
class Snapshot:
    """All that the rest of a training depends on, besides its spec and its rows: what goes on from here ends alike.

    `epoch` and `step` count from 0 and say what comes next: a step of training, or, from the epoch's last step on, one
    of its validation. So with `step` 0 the epoch has not begun; as many epochs as `epoch` says have been told of.
    """

    epoch: int
    step: int
    state: Mapping[str, Array]
    """Weights, seeds and the optimizer's variables; within an epoch the metrics', too; and callbacks' weights."""
    callbacks: Mapping[str, Any]
    """What callbacks remember, as JSON has it; by their places among the spec's."""
    stopped: bool
    """Whether a callback has ended the training before its last epoch."""
    trained: Mapping[str, float] = field(default_factory=dict[str, float])
    """The epoch's metrics over the rows to train on, once its validation has begun."""
