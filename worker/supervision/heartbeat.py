"""A thread in every worker's parent that keeps the worker's row in the registry alive."""

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import SessionFactory
from service.queue import worker_registry
from service.queue.worker_registry import Registration
from service.settings import Settings
from service.team.usage.policy import open_sessions

WORKER_ID_VARIABLE = "STACKYARD_WORKER_ID"
"""The environment variable from which a worker's children read its id."""

_POLL_S = 0.5

log = structlog.get_logger()


class Heartbeat:
    """Registers a worker, renews its row every `Settings.heartbeat_s`, and removes the row when the worker stops.

    This thread is separate from the reconciler, whose rounds may take long: a slow broker or disk must not make the
    worker look lost. While the database is unavailable, the heartbeat tries again every interval.

    Args:
        settings: of the installation.
        worker: the worker to register.
        on_drain: called in this thread when a client asks the worker to drain (True), or takes that back (False).

    """

    def __init__(
        self, settings: Settings, worker: Registration, on_drain: Callable[[bool], None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._worker = worker
        self._on_drain = on_drain
        self._drain_requested = False
        self._started = time.monotonic()
        self._shutting_down = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread; the first heartbeat follows at once."""
        self._thread.start()

    def drain(self) -> None:
        """Report from now on that the worker takes no more jobs. Only sets a flag: signal handlers call this."""
        self._shutting_down = True

    def stop(self) -> None:
        """Remove the worker from the registry, if the database answers soon. A second call does nothing."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(self._settings.heartbeat_s)

    def _run(self) -> None:
        sessions = open_sessions(self._settings)
        while not self._stopping.is_set():
            is_draining = self._is_draining()
            self._send_heartbeat(sessions, draining=is_draining)
            self._wait_for_next(was_draining=is_draining)
        self._leave_registry(sessions)
        sessions.dispose()

    def _is_draining(self) -> bool:
        return self._shutting_down or self._drain_requested

    def _wait_for_next(self, *, was_draining: bool) -> None:
        """Wait until the next heartbeat is due, or the worker starts or stops draining."""
        due = time.monotonic() + self._settings.heartbeat_s
        while (remaining := due - time.monotonic()) > 0 and was_draining == self._is_draining():
            if self._stopping.wait(min(remaining, _POLL_S)):
                return

    def _send_heartbeat(self, sessions: SessionFactory, *, draining: bool) -> None:
        running_for = time.monotonic() - self._started
        try:
            with sessions.begin() as session:
                drain_requested = worker_registry.record_heartbeat(
                    session,
                    self._worker,
                    alive_for_s=self._settings.lease_s,
                    uptime_s=running_for,
                    draining=draining,
                )
            if drain_requested != self._drain_requested:
                self._drain_requested = drain_requested
                self._on_drain(drain_requested)
        except SQLAlchemyError as error:
            log.warning("heartbeat not written", action="heartbeat_failed", error=str(error))
        except Exception:
            log.exception("heartbeat not written", action="heartbeat_failed")

    def _leave_registry(self, sessions: SessionFactory) -> None:
        try:
            with sessions.begin() as session:
                worker_registry.remove_worker(session, self._worker)
        except SQLAlchemyError as error:
            log.warning("worker not removed from the registry", action="leave_failed", error=str(error))
