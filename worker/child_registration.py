"""Choose the backend of a child when it starts, and record it in the registry of children.

A child that cannot reach the database takes the usual backend, and is not in the registry. Then other children do not
count on it.
"""

import os
from contextlib import suppress

import structlog
from sqlalchemy.orm import Session

from models import Backend
from service.db.database import DATABASE_UNAVAILABLE_ERRORS, SessionFactory
from service.jobs import recovery
from service.jobs.queue_order import backend_turns
from service.queue import child_registry, placement
from service.queue.child_registry import ChildProcess
from service.queue.wake_ups import WakeUpSender
from stackyard.spec import BackendSetting

log = structlog.get_logger()


class ChildRegistration:
    """The record of a child in the registry.

    Args:
        sessions: of the database.
        child: the process and its worker.
        queue: the queue that the worker serves.

    """

    def __init__(self, sessions: SessionFactory, child: ChildProcess, queue: str) -> None:
        self._sessions = sessions
        self._child = child
        self._queue = queue

    def choose_backend(self, default: BackendSetting) -> Backend:
        """Return the backend that the waiting jobs need most, and record that this process loads it.

        Args:
            default: the setting `default_backend`, which decides if no job waits.

        """
        idle = placement.choose_idle_backend(self._queue, default)
        try:
            with self._sessions.begin() as session:
                backend = self._choose_by_queue(session, idle)
                child_registry.record_child(session, self._child, backend, ready=False)
        except DATABASE_UNAVAILABLE_ERRORS as error:
            log.warning("backend chosen without the queue", action="backend_chosen", error=str(error))
            return idle
        return backend

    def record_ready(self, backend: Backend, wake_ups: WakeUpSender) -> None:
        """Record that this process takes jobs, and send wake-ups for the jobs that wait.

        The process may replace another one, which received the wake-up of a job that still waits.
        """
        try:
            with self._sessions.begin() as session:
                child_registry.record_child(session, self._child, backend, ready=True)
                needed = recovery.count_needed_wake_ups(session).get(self._queue, 0)
        except DATABASE_UNAVAILABLE_ERRORS as error:
            log.warning("child not recorded", action="child_unrecorded", error=str(error))
            return
        for _ in range(needed):
            wake_ups.send(self._queue)

    def _choose_by_queue(self, session: Session, idle: Backend) -> Backend:
        worker_id = self._child.worker_id
        processes = child_registry.list_processes(session, worker_id)
        child_registry.delete_processes(session, worker_id, [name for name in processes if not _is_alive(name)])
        free = child_registry.count_free_children(session, self._queue, worker_id, without=self._child.process)
        waiting = backend_turns.list_waiting_backends(session, self._queue)
        return backend_turns.choose_first_backend(waiting, free, idle)


def _is_alive(process: str) -> bool:
    """Return whether a process of this machine exists, given its host and its id."""
    with suppress(ProcessLookupError):
        os.kill(int(process.rpartition(":")[2]), 0)
        return True
    return False
