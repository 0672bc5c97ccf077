"""Whoever looks on while a network is trained."""

from collections.abc import Mapping
from typing import Protocol

from worker.engine.snapshot import Snapshot


class Watch(Protocol):
    """Whoever looks on. Each call may raise to stop the training; the engine lets the exception through."""

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """An epoch is done; `number` counts from 0, `values` are Keras's logs of it."""
        ...

    def check(self) -> None:
        """Called at least several times a second while training goes on."""
        ...

    def wants_checkpoint(self) -> bool:
        """Whether the training's state is wanted now; asked about as often, so it must not take long."""
        ...

    def checkpoint(self, snapshot: Snapshot) -> None:
        """Take the state that was wanted; the training goes on when this returns."""
        ...
