"""A thread in every worker's parent that repairs the state that crashes leave behind."""

import math
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import structlog
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import DATABASE_UNAVAILABLE_ERRORS, SessionFactory
from service.errors import StorageError
from service.history import change_log
from service.jobs import recovery, retention
from service.queue import child_registry, placement, worker_registry
from service.queue.wake_ups import WakeUpSender
from service.settings import Settings
from service.storage import file_references
from service.storage.artifact_store import ArtifactStore
from service.storage.store_factory import open_store
from service.sweeps import sweep_news, sweep_retention
from service.sweeps.life import reconciliation
from service.sweeps.life.creation import advance_completely
from service.team import tokens
from service.team.audit import entries
from service.team.usage.policy import open_sessions
from stackyard.spec import Limits
from worker.supervision.outage_grace import OutageGrace

_CLEANING_INTERVAL_S = 3600
_THOROUGH_INTERVAL_S = 60
"""Time in seconds between two rounds that advance all sweeps, whether they seem to need it or not."""
_STOP_TIMEOUT_S = 2.0
_MIN_ORPHAN_AGE_S = 3600
"""Longer than any stored file waits for the transaction that references it."""

log = structlog.get_logger()


class Reconciler:
    """Ends lost attempts, advances sweeps, moves stranded jobs, wakes idle workers, deletes orphaned files.

    Any number of reconcilers may run at once.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        """Start the thread; the first round follows at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current round. Do not wait long: it may hang on an unavailable database or broker."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)

    def _run(self) -> None:
        sessions = open_sessions(self._settings)
        wake_ups = WakeUpSender(self._settings)
        store = open_store(self._settings)
        last_cleaning = last_thorough = -math.inf  # an earlier run may have been killed
        grace = OutageGrace(sessions, self._settings.heartbeat_s)
        while not self._stopping.is_set():
            is_thorough = time.monotonic() - last_thorough > _THOROUGH_INTERVAL_S
            last_thorough = time.monotonic() if is_thorough else last_thorough
            with _log_errors():
                advance_sweeps(sessions, self._settings.limits, is_thorough=is_thorough)
            with _log_errors():
                reconcile_after_grace(sessions, wake_ups, grace)
            with _log_errors():
                sweep_retention.delete_expired_sweeps(sessions, self._settings)
                retention.delete_expired_data(sessions, store, self._settings)
            if time.monotonic() - last_cleaning > _CLEANING_INTERVAL_S:
                with _log_errors():
                    sweep_leftovers(sessions, store, self._settings)
                last_cleaning = time.monotonic()
            self._stopping.wait(self._settings.reconcile_s)
        sessions.dispose()


@contextmanager
def _log_errors() -> Generator[None]:
    """Log errors of one step, so that the other steps still run; the next round repeats the step."""
    try:
        yield
    except (SQLAlchemyError, BrokerError, StorageError, OSError) as error:
        log.warning("round not finished", action="reconcile_failed", error=str(error))
    except Exception:  # an unexpected error must not end the thread, because no other thread does its work
        log.exception("round not finished", action="reconcile_failed")


def reconcile_after_grace(sessions: SessionFactory, wake_ups: WakeUpSender, grace: OutageGrace) -> None:
    """Run a round, unless the database has just come back: healthy workers first renew what is theirs.

    Raises:
        SQLAlchemyError: the database cannot be used.
        kombu.exceptions.OperationalError: the broker cannot be reached.

    """
    with grace.watch_database():
        if grace.is_over():
            reconcile_jobs(sessions, wake_ups)


def reconcile_jobs(sessions: SessionFactory, wake_ups: WakeUpSender) -> None:
    """Run one round: end lost attempts, move stranded jobs to a queue with workers, send missing wake-ups.

    Raises:
        SQLAlchemyError: the database cannot be used.
        kombu.exceptions.OperationalError: the broker cannot be reached.

    """
    _recover_lost_attempts(sessions)
    with sessions.begin() as session:
        moved_jobs = placement.move_stranded_jobs(session)
        worker_registry.delete_lost_workers(session)
        child_registry.delete_children_of_lost_workers(session)
    if moved_jobs:
        log.info("jobs moved to a queue that is served", action="jobs_moved", count=moved_jobs)
    with sessions.read() as session:
        wake_up_counts = recovery.count_needed_wake_ups(session)
    for queue, count in wake_up_counts.items():
        for _ in range(count - wake_ups.count_pending(queue)):
            wake_ups.send(queue)


def advance_sweeps(sessions: SessionFactory, limits: Limits, *, is_thorough: bool = False) -> None:
    """Advance the sweeps that need it, or all of them, each in its own transactions.

    Raises:
        SQLAlchemyError: the database cannot be used.

    """
    with sessions.read() as session:
        list_sweeps = reconciliation.list_open_sweeps if is_thorough else reconciliation.list_due_sweeps
        sweep_ids = list_sweeps(session)
    for sweep_id in sweep_ids:
        try:
            advance_completely(sessions, sweep_id, limits)
        except DATABASE_UNAVAILABLE_ERRORS:
            raise
        except Exception:
            log.exception("sweep not advanced", action="advance_failed", sweep=str(sweep_id))


def _recover_lost_attempts(sessions: SessionFactory) -> None:
    """End lost attempts, each in its own transaction: a failure affects only that attempt."""
    with sessions.read() as session:
        lost_jobs = recovery.list_lost_attempts(session)
    for job_id in lost_jobs:
        try:
            with sessions.begin() as session:
                is_recovered = recovery.end_attempt_if_lost(session, job_id)
        except DATABASE_UNAVAILABLE_ERRORS:
            raise
        except Exception:
            log.exception("attempt not ended", action="recover_failed", job=str(job_id))
        else:
            if is_recovered:
                log.warning("attempt lost", action="attempt_recovered", job=str(job_id))


def sweep_leftovers(sessions: SessionFactory, store: ArtifactStore, settings: Settings) -> None:
    """Delete what is old: unreferenced files, idempotency keys, changes, sessions, checkpoints, and the audit."""
    with sessions.begin() as session:
        change_log.delete_old_changes(session)
        sweep_news.delete_old_deletions(session)
        sweep_retention.forget_expired_keys(session)
        recovery.delete_expired_idempotency_keys(session)
        tokens.delete_ended_sessions(session)
    if checkpoint_count := retention.delete_final_checkpoints(sessions, days=settings.final_checkpoint_days):
        log.info("checkpoints deleted for their age", action="checkpoints_expired", count=checkpoint_count)
    if entry_count := entries.delete_old_entries(sessions, settings.audit_days):
        log.info("entries of the audit deleted for their age", action="audit_expired", count=entry_count)
    if orphan_count := file_references.mark_orphans(sessions, store, min_age_s=_MIN_ORPHAN_AGE_S):
        log.info("orphaned files deleted", action="files_swept", count=orphan_count)
