"""Celery's process pool, extended to report how each process ended, and to replace a process on its own request."""

# Celery and billiard carry no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeArgument=false

import sys
from collections.abc import Callable
from typing import Any, ClassVar

from celery.concurrency import asynpool
from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool

from worker.runtime.exit_codes import REPLACED

_EXIT_POLL_S = 0.05


class ReplaceableWorker(asynpool.Worker):
    """The loop of a pool's process. It ends between two tasks if the process has asked to be replaced.

    Ended within a task, the process would leave a task behind that Celery reports as lost.
    """

    is_replacement_requested: ClassVar[bool] = False
    """Set in the process itself."""

    def on_loop_start(self, pid: int) -> None:
        """Report that the process takes tasks, after wrapping the function that waits for the next one."""
        wait_for_task: Callable[[], Any] = self.wait_for_job

        def wait_unless_replaced() -> Any:
            if ReplaceableWorker.is_replacement_requested:
                sys.exit(REPLACED)
            return wait_for_task()

        self.wait_for_job = wait_unless_replaced
        super().on_loop_start(pid)


def request_replacement() -> None:
    """Let this process end after its current task. The pool then starts another process in its place."""
    ReplaceableWorker.is_replacement_requested = True


class _ReportingPool(AsynPool):
    Worker = ReplaceableWorker

    def _event_process_exit(self, hub: Any, proc: Any) -> None:
        """Look after a process that closed its files, until its exit status can be read.

        The kernel closes the files first. Without another look, Celery would notice the exit seconds later.
        """
        super()._event_process_exit(hub, proc)
        if proc.exitcode is None:
            hub.call_later(_EXIT_POLL_S, self._event_process_exit, hub, proc)

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
