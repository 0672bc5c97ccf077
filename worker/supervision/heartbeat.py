"""A thread in every worker's parent that keeps the worker on the list of those who live."""

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import Sessions
from service.queue import worker_registry
from service.queue.worker_registry import Registration
from service.settings import Settings

WORKER_ID = "STACKYARD_WORKER_ID"
"""The variable by which a worker's children know its id."""

_LOOK_EVERY_S = 0.5

log = structlog.get_logger()


class Heartbeat:
    """Registers a worker, says every `Settings.heartbeat_s` that it lives, and takes it off the list at its end.

    Apart from the reconciler, whose rounds may take long: a broker or a disk that is slow makes nobody dead. While the
    database is away it goes on trying.

    Args:
        settings: of the installation.
        worker: whose life this is.
        on_drain: told by this thread whenever somebody asks the worker to drain, or no longer does.

    """

    def __init__(
        self, settings: Settings, worker: Registration, on_drain: Callable[[bool], None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._worker = worker
        self._on_drain = on_drain
        self._asked = False
        self._started = time.monotonic()
        self._draining = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin; the first word is at once."""
        self._thread.start()

    def drain(self) -> None:
        """Say from now on that the worker takes no more jobs. Only sets a flag, as it is called by signal handlers."""
        self._draining = True

    def stop(self) -> None:
        """Take the worker off the list, if the database answers soon. A repeat does nothing."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(self._settings.heartbeat_s)

    def _run(self) -> None:
        sessions = Sessions(self._settings.database)
        while not self._stopping.is_set():
            told = self._draining or self._asked
            self._beat(sessions, draining=told)
            self._wait(told=told)
        self._leave(sessions)
        sessions.dispose()

    def _wait(self, *, told: bool) -> None:
        """Until the next word is due, or there is something new to tell."""
        due = time.monotonic() + self._settings.heartbeat_s
        while (left := due - time.monotonic()) > 0 and told == (self._draining or self._asked):
            if self._stopping.wait(min(left, _LOOK_EVERY_S)):
                return

    def _beat(self, sessions: Sessions, *, draining: bool) -> None:
        running_for = time.monotonic() - self._started
        try:
            with sessions.begin() as session:
                asked = worker_registry.beat(
                    session,
                    self._worker,
                    lasts_s=self._settings.lease_s,
                    running_for_s=running_for,
                    draining=draining,
                )
            if asked != self._asked:
                self._asked = asked
                self._on_drain(asked)
        except SQLAlchemyError as error:
            log.warning("heartbeat not written", action="heartbeat_failed", error=str(error))
        except Exception:
            log.exception("heartbeat not written", action="heartbeat_failed")

    def _leave(self, sessions: Sessions) -> None:
        try:
            with sessions.begin() as session:
                worker_registry.leave(session, self._worker)
        except SQLAlchemyError as error:
            log.warning("not taken off the list", action="leave_failed", error=str(error))
