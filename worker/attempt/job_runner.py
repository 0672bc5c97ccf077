"""Run one job, from its claim to its end."""

import os
import socket
import time
import uuid
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from models import JobState
from service.datasets import catalog
from service.db.database import SessionFactory
from service.errors import FileRemoved, LeaseLost, StorageError
from service.jobs import attempts, lifecycle
from service.jobs.attempts import Claim, Conclusion, ReleasedAttempt
from service.queue.wake_ups import WakeUpSender
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore
from worker.attempt.attempt_reporter import AttemptReporter
from worker.attempt.error_summary import remove_paths, summarize_error
from worker.attempt.job_training import train_job
from worker.attempt.stop_reasons import StopTraining
from worker.engine import Engine
from worker.preparation import PreparationError, Preparer
from worker.runtime.shutdown_signal import ShutdownSignal
from worker.runtime.threads import ThreadAllocator

_MAX_MESSAGE_LENGTH = 1000

log = structlog.get_logger()


@dataclass(frozen=True)
class JobRunner:
    """Runs jobs in a worker's child, one after another; `worker_id` is the worker's id in the registry."""

    settings: Settings
    sessions: SessionFactory
    store: ArtifactStore
    wake_ups: WakeUpSender
    preparer: Preparer
    engine: Engine
    thread_allocator: ThreadAllocator
    worker_id: UUID | None = None
    shutdown_signal: ShutdownSignal = field(default_factory=ShutdownSignal)

    def run_next_job(self, queue: str) -> None:
        """Claim the best waiting job of a queue, if there is one, and run it until it ends or this process shuts down.

        If more jobs wait afterwards, send another wake-up, so that a lost one delays no job.
        """
        if not self.shutdown_signal.is_set and not self._claim_and_run(queue):
            return
        with self.sessions.read() as session:
            has_waiting_jobs = attempts.has_waiting_jobs(session, queue)
        if has_waiting_jobs:
            self.wake_ups.send(queue)

    def _claim_and_run(self, queue: str) -> bool:
        lease_start = time.monotonic()
        with self.sessions.begin() as session:
            claim = attempts.claim_job(
                session,
                queue=queue,
                worker=f"{socket.gethostname()}:{os.getpid()}",
                lease_s=self.settings.lease_s,
                worker_id=self.worker_id,
                options=self.thread_allocator.execution_options,
            )
        if claim is None:
            return False
        with structlog.contextvars.bound_contextvars(job=str(claim.job_id), attempt=claim.attempt):
            self._run_attempt(claim, lease_start)
        return True

    def _run_attempt(self, claim: Claim, lease_start: float) -> None:
        log.info("attempt started", action="attempt_started")
        with AttemptReporter(
            self.sessions,
            claim,
            self.settings,
            lease_start=lease_start,
            store=self.store,
            shutdown_signal=self.shutdown_signal,
        ) as reporter:
            try:
                self._end_attempt(reporter, self._train(claim, reporter))
            except LeaseLost as error:
                log.warning(str(error), action="lease_lost")
            else:
                log.info("attempt ended", action="attempt_ended")

    def _end_attempt(self, reporter: AttemptReporter, ending: Conclusion | ReleasedAttempt) -> None:
        """Record how the attempt ended or, if that cannot be recorded, that it failed.

        Raises:
            LeaseLost: the attempt no longer belongs to this process.

        """
        try:
            reporter.end_attempt(ending)
        except LeaseLost:
            raise
        except FileRemoved as error:
            log.warning(str(error), action="file_gone")
            reporter.end_attempt(ReleasedAttempt(lifecycle.build_reason("file_gone", str(error))))
        except StorageError as error:
            log.warning("file not published", action="storage_failed", error=str(error))
            reporter.end_attempt(_build_failure("storage", remove_paths(str(error))))
        except Exception as error:  # noqa: BLE001  # any error ends the job; it is logged
            reporter.end_attempt(_log_unexpected_failure("ending not written", "conclude_failed", error))

    def _train(self, claim: Claim, reporter: AttemptReporter) -> Conclusion | ReleasedAttempt:
        """Train, and turn every error except the loss of the lease into an ending.

        Raises:
            LeaseLost: the attempt no longer belongs to this process.

        """
        try:
            reads_files = self.preparer.exceeds_memory(claim.spec, catalog.parse_description(claim.dataset))
            with self.thread_allocator.allocate_threads(claim.ran_on, reads_files=reads_files):
                return train_job(claim, reporter, self.store, self.preparer, self.engine)
        except LeaseLost:
            raise
        except StopTraining as stop:
            return stop.ending
        except PreparationError as error:
            return _build_failure("data", str(error))
        except (StorageError, OSError) as error:
            log.warning("file not stored or read", action="storage_failed", exc_info=error)
            return _build_failure("storage", _format_storage_error(error))
        except MemoryError:
            return _build_failure("out_of_memory", "The job needed more memory than the worker has.")
        except Exception as error:  # noqa: BLE001  # any error ends the job; it is logged
            return _log_unexpected_failure("attempt failed", "attempt_failed", error)
        finally:
            self.preparer.release_files()


def _format_storage_error(error: StorageError | OSError) -> str:
    message = (
        str(error)
        if isinstance(error, StorageError)
        else f"A file could not be written or read: {error.strerror or error}."
    )
    return remove_paths(message)[:_MAX_MESSAGE_LENGTH]


def _log_unexpected_failure(event: str, action: str, error: Exception) -> Conclusion:
    """Log an error with its traceback, and return a failure that has one plain line and the id of the log's entry."""
    error_id = uuid.uuid4().hex
    log.error(event, action=action, error_id=error_id, exc_info=error)
    return _build_failure("unexpected", f"{summarize_error(error)} (error {error_id})")


def _build_failure(code: str, message: str) -> Conclusion:
    return Conclusion(JobState.FAILED, lifecycle.build_reason(code, message))
