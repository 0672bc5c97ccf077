"""The trials that a proposal knows."""

from dataclasses import dataclass
from typing import Literal

from stackyard.sweep import Parameters

Outcome = Literal["running", "complete", "halted", "diverged", "failed", "invalid"]


@dataclass(frozen=True)
class SeenTrial:
    """A trial as it is when the next one is proposed.

    Attributes:
        number: Its number.
        parameters: Its parameters.
        outcome: `running` until it has a result, also while it waits; `halted` while it is held at a rung, too.
        value: The objective, of a complete trial, or at the last rung of a halted one.
        epochs: The last rung of a halted trial, in epochs.

    """

    number: int
    parameters: Parameters
    outcome: Outcome = "running"
    value: float | None = None
    epochs: int | None = None
