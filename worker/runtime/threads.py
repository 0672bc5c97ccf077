"""How many threads an attempt has: its child's share of the cores or, where it is large and alone, the whole worker's.

Small steps are slower on more threads, and two jobs at once want a share each; but a large product with every core to
itself is up to three times as fast (docs/engine.md has what was measured). TensorFlow sizes its pool of threads when
an eager context starts, so a job with another number has another context. What is made in one, as variables and
graphs, is used in no other.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import tensorflow as tf
from tensorflow.python.eager import context

from service.jobs.execution_environment import ExecutionOptions, RanOn
from worker.runtime import memory

LARGE_STEP_FLOPS = 500_000_000
"""Floating-point operations a step, from which on threads gain more than they cost."""

# Which carry no types.
_context: Any = context
_Config: Any = cast("Any", tf).compat.v1.ConfigProto

_SLEEPING: Any = _Config(experimental=_Config.Experimental(disable_thread_spinning=True))
"""Threads that wait for work sleep. Elsewhere they look out for it for a while, by which they take cores from those
that have some, where there are as many as cores: red wine's epoch takes 143 ms instead of 148, one of 1.25 GB of rows
that are read from files meanwhile 3.1 s instead of 3.3 to 3.6."""


class Threads:
    """Says which threads this child can give an attempt, and gives it those that its claim chose.

    Args:
        shared: what this child computes on, with its share of the cores.
        alone: as many threads a large job may have while its worker has nothing else to do; 0 is no more than shared.

    """

    def __init__(self, shared: RanOn, alone: int = 0) -> None:
        self._shared = shared
        self._alone = replace(shared, threads=max(alone, shared.threads))
        self._own = _context.context()
        self._contexts: dict[int, Any] = {}
        """Those whose threads sleep, by their number."""

    @property
    def options(self) -> ExecutionOptions:
        """What a claim chooses from."""
        return ExecutionOptions(self._shared, self._alone, LARGE_STEP_FLOPS)

    @contextmanager
    def of(self, ran_on: RanOn | None, *, reading: bool = False) -> Generator[None]:
        """Run what is within this block on as many threads; None is this child's share.

        Args:
            ran_on: says how many.
            reading: whether a thread beside them reads rows from files all along.

        """
        threads = (ran_on or self._shared).threads
        beside = reading and self._shared.device == "cpu"  # another context would want a card's memory for itself
        if threads == self._shared.threads and not beside:
            yield
            return
        _context._set_context(self._sleeping(threads))  # noqa: SLF001  # here and below: there is no public way
        try:
            with memory.kept():
                yield
        finally:
            _context._set_context(self._own)  # noqa: SLF001

    def _sleeping(self, threads: int) -> Any:
        if threads not in self._contexts:
            started = _context.Context(_SLEEPING)
            started.intra_op_parallelism_threads = threads
            started.inter_op_parallelism_threads = self._own.inter_op_parallelism_threads
            self._contexts[threads] = started
        return self._contexts[threads]
