"""A cache of compiled programs, which later jobs of the same architecture use."""

import gc
from collections.abc import Callable
from typing import NamedTuple

from worker.engine.backend.program_interface import Program
from worker.engine.backend.selection import load_backend
from worker.engine.program.program_key import ProgramKey

_GRAPH_BYTES = 56 * 2**20
"""Approximate size of a program's graphs, measured with a small network; see docs/design/engine.md."""


class _Entry(NamedTuple):
    key: str
    program: Program
    size: int


class ProgramCache:
    """Compiled programs by key. The least recently used are removed first.

    Several programs may have one key: those for other values of hyperparameters that the graph depends on.

    Args:
        max_bytes: maximum total size in bytes; the program in use is kept in any case.

    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: list[_Entry] = []  # the most recently used is the last

    def get(self, key: ProgramKey, build_program: Callable[[], Program]) -> Program:
        """Return a program with the key's hyperparameters; build it if there is none."""
        entry = next((entry for entry in self._entries if _is_usable(entry, key)), None)
        if entry is None:
            program = build_program()
            entry = _Entry(key.key, program, _GRAPH_BYTES + program.nbytes)
        else:
            entry.program.hyperparameters.assign_values(key.hyperparameters)
            self._entries.remove(entry)
        self._entries.append(entry)
        self._make_room()
        return entry.program

    def clear(self) -> None:
        """Remove all programs."""
        self._entries.clear()
        _free_memory()

    def _make_room(self) -> None:
        if sum(entry.size for entry in self._entries) <= self._max_bytes or len(self._entries) == 1:
            return
        while sum(entry.size for entry in self._entries) > self._max_bytes and len(self._entries) > 1:
            del self._entries[0]
        _free_memory()


def _free_memory() -> None:
    gc.collect()  # graphs have reference cycles
    load_backend().free_memory()


def _is_usable(entry: _Entry, key: ProgramKey) -> bool:
    return entry.key == key.key and entry.program.hyperparameters.is_valid_for(key.hyperparameters)
