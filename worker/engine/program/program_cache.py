"""What was traced, kept between jobs."""

import gc
from collections.abc import Callable, Collection
from typing import NamedTuple

from worker.engine.program.architecture import Architecture
from worker.engine.program.compiled_program import Compiled

_GRAPHS = 56 * 2**20
"""About what the graphs of an architecture take, measured with iris's eleven layers; see docs/engine.md."""


class _Kept(NamedTuple):
    key: str
    compiled: Compiled
    size: int


class Cache:
    """Compiled calls by architecture; least recently used out.

    Args:
        most: bytes that all of them together may take, but for the one in use.

    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[_Kept] = []  # the one that was used last comes last

    def get(self, wanted: Architecture, rows: Collection[int], make: Callable[[], Compiled]) -> Compiled:
        """Return the calls for an architecture with its numbers, made by `make` where there are none.

        Args:
            wanted: the architecture.
            rows: of a training's steps.
            make: makes the calls.

        """
        found = next((kept for kept in self._kept if _serves(kept, wanted, rows)), None)
        if found is None:
            compiled = make()
            found = _Kept(wanted.key, compiled, _GRAPHS + compiled.size)
        else:
            found.compiled.hyperparameters.assign(wanted.numbers)
            self._kept.remove(found)
        self._kept.append(found)
        self._make_room()
        return found.compiled

    def clear(self) -> None:
        """Keep nothing."""
        self._kept.clear()
        gc.collect()

    def _make_room(self) -> None:
        if sum(kept.size for kept in self._kept) <= self._most or len(self._kept) == 1:
            return
        while sum(kept.size for kept in self._kept) > self._most and len(self._kept) > 1:
            del self._kept[0]
        gc.collect()  # graphs refer to themselves, so that nothing else would free them soon


def _serves(kept: _Kept, wanted: Architecture, rows: Collection[int]) -> bool:
    return kept.key == wanted.key and kept.compiled.hyperparameters.fit(wanted.numbers) and kept.compiled.suits(rows)
