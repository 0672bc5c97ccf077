"""What the engine tells while it trains, and when it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Watch(Protocol):
    """Whoever looks on. Both calls may raise to stop the training; the engine lets the exception through."""

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """An epoch is done; `number` counts from 0, `values` are Keras's logs of it."""
        ...

    def check(self) -> None:
        """Called at least several times a second while training goes on."""
        ...


@dataclass(frozen=True)
class Divergence:
    """Where the loss stopped being finite; epoch and step count from 0."""

    epoch: int
    step: int

    @property
    def sentence(self) -> str:
        """The same for people."""
        return f"The loss stopped being finite in epoch {self.epoch}, at step {self.step} (both count from 0)."


@dataclass(frozen=True)
class Outcome:
    """How the training ended; `diverged` is None where it reached its end or was stopped early by a callback."""

    diverged: Divergence | None
