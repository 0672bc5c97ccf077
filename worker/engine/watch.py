"""Whoever looks on while a network is trained."""

from collections.abc import Mapping
from typing import Protocol


class Watch(Protocol):
    """Whoever looks on. Both calls may raise to stop the training; the engine lets the exception through."""

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """An epoch is done; `number` counts from 0, `values` are Keras's logs of it."""
        ...

    def check(self) -> None:
        """Called at least several times a second while training goes on."""
        ...
