"""Celery's process pool, extended to report how each process ended."""

# Celery and billiard carry no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeArgument=false

from collections.abc import Callable
from typing import Any, ClassVar

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool


class _ReportingPool(AsynPool):
    def process_flush_queues(self, proc: Any) -> None:
        """Report a process that has ended before Celery forgets it. Celery passes living processes, too."""
        if proc.exitcode is not None:
            Pool.on_child_exit(proc.pid, proc.exitcode)
        super().process_flush_queues(proc)


class Pool(TaskPool):
    """Celery's pool of spawned processes, with a callback for their exits."""

    Pool = _ReportingPool
    on_child_exit: ClassVar[Callable[[int, int], None]] = lambda _pid, _status: None
    """Called in the parent's main thread with a process's id and exit status; the status of a signal is negative."""

    def list_pids(self) -> list[int]:
        """Return the ids of the current processes."""
        processes: Any = self._pool
        return [] if processes is None else [process.pid for process in list(processes._pool) if process.pid]  # noqa: SLF001
