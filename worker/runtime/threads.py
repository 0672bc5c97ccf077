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

import structlog
import tensorflow as tf
from tensorflow.python.eager import context

from service.datasets import catalog
from service.jobs.execution_environment import Opening, RanOn
from stackyard.spec import UNLIMITED, Report, check
from worker.runtime import memory

_LARGE = 5e8
"""Floating-point operations a step, from which on threads gain more than they cost."""

# Which carry no types.
_context: Any = context
_Config: Any = cast("Any", tf).compat.v1.ConfigProto

_SLEEPING: Any = _Config(experimental=_Config.Experimental(disable_thread_spinning=True))
"""Threads that wait for work sleep. Elsewhere they look out for it for a while, by which they take cores from those
that have some, where there are as many as cores: red wine's epoch takes 143 ms instead of 148, one of 1.25 GB of rows
that are read from files meanwhile 3.1 s instead of 3.3 to 3.6."""

log = structlog.get_logger()


class Threads:
    """Chooses an attempt's threads, and gives it them.

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

    def choose(self, opening: Opening) -> RanOn:
        """Choose what a job that is being claimed computes on.

        What goes on from a checkpoint keeps its number, if this child can have it: so its bits are those of one run.
        """
        if opening.before is not None:
            return self._alone if opening.before.get("threads") == self._alone.threads else self._shared
        return self._alone if self._may_gain and opening.alone and _is_large(opening) else self._shared

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

    @property
    def _may_gain(self) -> bool:
        return self._alone.threads > self._shared.threads

    def _sleeping(self, threads: int) -> Any:
        if threads not in self._contexts:
            started = _context.Context(_SLEEPING)
            started.intra_op_parallelism_threads = threads
            started.inter_op_parallelism_threads = self._own.inter_op_parallelism_threads
            self._contexts[threads] = started
        return self._contexts[threads]


def is_large(report: Report) -> bool:
    """Whether a job's steps are large enough for more threads to pay."""
    return report.step_flops >= _LARGE


def _is_large(opening: Opening) -> bool:
    try:
        report = check(opening.spec, catalog.description(opening.dataset), UNLIMITED)
    except Exception:  # raised here, it would keep the job from being claimed, and all that wait behind it
        log.warning("spec not weighed", action="spec_not_weighed", exc_info=True)  # its attempt will say why it fails
        return False
    return is_large(report)
