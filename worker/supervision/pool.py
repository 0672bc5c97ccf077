"""Celery's pool of processes, which also says how each of them ended."""

# Celery and billiard carry no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeArgument=false

from collections.abc import Callable
from typing import Any, ClassVar

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool


class _Processes(AsynPool):
    def process_flush_queues(self, proc: Any) -> None:
        """Before Celery forgets a process that has ended; it comes here with living ones, too."""
        if proc.exitcode is not None:
            Pool.on_end(proc.pid, proc.exitcode)
        super().process_flush_queues(proc)


class Pool(TaskPool):
    """Spawned processes, as Celery's own."""

    Pool = _Processes
    on_end: ClassVar[Callable[[int, int], None]] = lambda _pid, _status: None
    """Called in the parent's main thread with a process's id and exit status, which is negative for a signal."""

    def pids(self) -> list[int]:
        """The ids of the processes that there are at the moment."""
        processes: Any = self._pool
        return [] if processes is None else [process.pid for process in list(processes._pool) if process.pid]  # noqa: SLF001
