"""A thread in every worker's parent process that puts right what crashes left behind."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import structlog
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import UNAVAILABLE, Sessions
from service.errors import StorageError
from service.jobs import recovery, retention
from service.queue import placement, worker_registry
from service.queue.wake_ups import WakeUps
from service.settings import Settings
from service.storage import file_references
from service.storage.artifact_store import ArtifactStore
from service.storage.store_factory import open_store

_SWEEP_EVERY_S = 3600
_PATIENCE_S = 2.0
_FILES_ARE_YOUNG_FOR_S = 3600
"""Longer than any file waits, once stored, for the transaction that names it."""

log = structlog.get_logger()


class Reconciler:
    """Ends lost attempts, moves stranded jobs, wakes idle workers, sweeps files; any number may run at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        """Begin; the first round is at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round that is under way, unless that waits for a database or a broker that is away."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        sessions = Sessions(self._settings.database)
        wake_ups = WakeUps(self._settings)
        store = open_store(self._settings)
        swept = time.monotonic()
        while not self._stopping.is_set():
            with _going_on():
                reconcile(sessions, wake_ups)
            with _going_on():
                retention.tidy(sessions, store, self._settings)
            if time.monotonic() - swept > _SWEEP_EVERY_S:
                with _going_on():
                    sweep(sessions, store)
                swept = time.monotonic()
            self._stopping.wait(self._settings.reconcile_s)
        sessions.dispose()


@contextmanager
def _going_on() -> Generator[None]:
    """Let no part that is away keep the others waiting: what was not done is done in the next round."""
    try:
        yield
    except (SQLAlchemyError, BrokerError, StorageError, OSError) as error:
        log.warning("round not finished", action="reconcile_failed", error=str(error))
    except Exception:  # whatever it is, nobody else does this thread's work
        log.exception("round not finished", action="reconcile_failed")


def reconcile(sessions: Sessions, wake_ups: WakeUps) -> None:
    """One round: end lost attempts, move what nobody would take, send the wake-ups that are missing.

    Raises:
        SQLAlchemyError: the database cannot be used.
        kombu.exceptions.OperationalError: the broker cannot be reached.

    """
    _recover(sessions)
    with sessions.begin() as session:
        moved = placement.move_stranded(session)
        worker_registry.forget_lost(session)
    if moved:
        log.info("jobs moved to a queue that is served", action="jobs_moved", count=moved)
    with sessions.read() as session:
        wanted = recovery.wake_ups_wanted(session)
    for queue, number in wanted.items():
        for _ in range(number - wake_ups.pending(queue)):
            wake_ups.send(queue)


def _recover(sessions: Sessions) -> None:
    """End the attempts that were lost, each in a transaction of its own: one that cannot be ended harms no other."""
    with sessions.read() as session:
        lost = recovery.lost_attempts(session)
    for job_id in lost:
        try:
            with sessions.begin() as session:
                ended = recovery.recover(session, job_id)
        except UNAVAILABLE:
            raise
        except Exception:
            log.exception("attempt not ended", action="recover_failed", job=str(job_id))
        else:
            if ended:
                log.warning("attempt lost", action="attempt_recovered", job=str(job_id))


def sweep(sessions: Sessions, store: ArtifactStore) -> None:
    """Discard old files that no row names, and forget old idempotency keys."""
    with sessions.begin() as session:
        recovery.forget_old_keys(session)
    if strays := file_references.sweep(sessions, store, young_s=_FILES_ARE_YOUNG_FOR_S):
        log.info("files found that nobody names", action="files_swept", count=strays)
