"""Run one job, from its claim to its end."""

import os
import socket
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from models import JobState
from service.datasets import catalog
from service.db.database import SessionFactory
from service.errors import FileRemoved, LeaseLost, StorageError
from service.jobs import attempts, crashes, lifecycle
from service.jobs.attempts import Claim, Conclusion, ReleasedAttempt
from service.jobs.queue_order.backend_turns import BackendTurns, Outlook, Turn
from service.queue.wake_ups import WakeUpSender
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore
from service.sweeps.life.creation import MAX_WAKE_UPS, advance_completely
from service.tracing import record_span, trace_span
from stackyard.spec import DatasetDescription
from worker.attempt.architecture_affinity import ArchitectureAffinity
from worker.attempt.attempt_reporter import AttemptReporter
from worker.attempt.error_summary import describe_unexpected_error, find_known_cause, remove_paths
from worker.attempt.handover import wait_until_claimed
from worker.attempt.job_training import train_job
from worker.attempt.stop_reasons import StopTraining
from worker.engine import Engine
from worker.preparation import PreparationError, Preparer
from worker.runtime import memory, memory_limits
from worker.runtime.memory import is_out_of_memory
from worker.runtime.shutdown_signal import ShutdownSignal
from worker.runtime.thread_allocation import ThreadAllocator

_MAX_MESSAGE_LENGTH = 1000
_UNCERTAINTY = 2
"""Factor by which a job may take more memory than its estimate."""

log = structlog.get_logger()


@dataclass(frozen=True)
class JobRunner:
    """Runs jobs in a worker's child, one after another.

    `worker_id` is the worker's id in the registry. `memory_limit` is the number of bytes that this process may
    allocate; None without a limit. `turns` chooses between jobs of both backends; None takes every job.
    `request_replacement` lets another process take the place of this one once `run_next_job` has returned.
    """

    settings: Settings
    sessions: SessionFactory
    store: ArtifactStore
    wake_ups: WakeUpSender
    preparer: Preparer
    engine: Engine
    thread_allocator: ThreadAllocator
    affinity: ArchitectureAffinity = field(default_factory=ArchitectureAffinity)
    memory_limit: int | None = None
    worker_id: UUID | None = None
    turns: BackendTurns | None = None
    request_replacement: Callable[[], None] = lambda: None
    shutdown_signal: ShutdownSignal = field(default_factory=ShutdownSignal)

    def run_next_job(self, queue: str) -> None:
        """Claim the best waiting job of a queue, if there is one, and run it until it ends or this process shuts down.

        If more jobs wait afterwards, send another wake-up, so that a lost one delays no job. If the next job needs the
        other backend, leave it to a free process of that backend, or request one in the place of this process.
        """
        if not self.shutdown_signal.is_set and not self._claim_and_run(queue):
            return
        with self.sessions.read() as session:
            has_waiting_jobs = attempts.has_waiting_jobs(session, queue)
        if has_waiting_jobs:
            self.wake_ups.send(queue)

    def _claim_and_run(self, queue: str) -> bool:
        """Return whether a job was run or handed over, so that others may wait."""
        lease_start = time.monotonic()
        with self.sessions.begin() as session:
            outlook = Outlook(Turn.TAKE) if self.turns is None else self.turns.load_outlook(session, queue)
            claim = None if outlook.turn is Turn.SWITCH else self._claim_job(session, queue)
            if self.turns is not None and outlook.turn is Turn.SWITCH:
                self.turns.record_replacement(session)
        if outlook.turn is Turn.SWITCH:
            log.info("making way for the other backend", action="backend_switched", job=str(outlook.other_job))
            self.request_replacement()
            return False
        if outlook.can_wake:
            self.wake_ups.send(queue)
        if claim is None:
            return self._hand_over(outlook)
        self._run_claim(claim, lease_start)
        return True

    def _claim_job(self, session: Session, queue: str) -> Claim | None:
        return attempts.claim_job(
            session,
            queue=queue,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            lease_s=self.settings.lease_s,
            worker_id=self.worker_id,
            options=self.thread_allocator.execution_options,
            architectures=self.affinity.list_preferred(),
            backend=None if self.turns is None else self.turns.backend,
        )

    def _hand_over(self, outlook: Outlook) -> bool:
        """Return whether a free process was woken for the next job. One that still loads looks for it by itself."""
        if outlook.other_job is None or not outlook.can_wake:
            return False
        wait_until_claimed(self.sessions, outlook.other_job)
        return True

    def _run_claim(self, claim: Claim, lease_start: float) -> None:
        self.affinity.record(claim.architecture)
        with structlog.contextvars.bound_contextvars(job=str(claim.job_id), attempt=claim.attempt):
            with _trace_attempt(claim):
                self._run_attempt(claim, lease_start)
            if claim.sweep_id is not None:
                self._advance_sweep(claim.sweep_id)

    def _advance_sweep(self, sweep_id: UUID) -> None:
        """Advance the sweep of a job that has ended, and wake other processes for its new jobs.

        If that fails, or if this process dies first, a reconciler does it.
        """
        try:
            queues = advance_completely(self.sessions, sweep_id, self.settings.limits)
        except Exception as error:  # it must not keep this process from its next job
            log.warning("sweep not advanced", action="advance_failed", sweep=str(sweep_id), exc_info=error)
            return
        for queue, count in queues.items():
            for _ in range(min(count, MAX_WAKE_UPS)):
                self.wake_ups.send(queue)

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
                ending = self._train(claim, reporter)
                with trace_span("conclusion"):
                    self._end_attempt(reporter, ending)
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
            description = catalog.parse_description(claim.dataset)
            test = None if claim.test_dataset is None else catalog.parse_description(claim.test_dataset)
            self._free_caches(claim, description, test)
            reads_files = self.preparer.exceeds_memory(claim.spec, description, test)
            with self.thread_allocator.allocate_threads(claim.ran_on, reads_files=reads_files):
                return train_job(claim, reporter, self.store, self.preparer, self.engine)
        except LeaseLost:
            raise
        except StopTraining as stop:
            return stop.ending
        except Exception as error:  # noqa: BLE001  # any error ends the job; it is logged
            return self._conclude_error(claim, error)
        finally:
            self.preparer.release_files()

    def _conclude_error(self, claim: Claim, error: Exception) -> Conclusion:
        if is_out_of_memory(error):
            return self._conclude_out_of_memory(claim, error)
        match error:
            case PreparationError():
                return _build_failure("data", str(error))
            case StorageError() | OSError():
                log.warning("file not stored or read", action="storage_failed", exc_info=error)
                return _build_failure("storage", _format_storage_error(error))
            case _ if cause := find_known_cause(error):
                log.warning("attempt failed", action="attempt_failed", exc_info=error)
                return _build_failure(*cause)
            case _:
                return _log_unexpected_failure("attempt failed", "attempt_failed", error)

    def _conclude_out_of_memory(self, claim: Claim, error: Exception) -> Conclusion:
        log.warning("out of memory", action="out_of_memory", error=str(error)[:_MAX_MESSAGE_LENGTH])
        self._clear_caches()
        self.request_replacement()  # TensorFlow keeps memory that it has freed, and the next job might lack it
        peak = memory.read_peak_memory()
        reason = crashes.build_out_of_memory_reason(self.memory_limit, peak, claim.memory_estimate)
        return Conclusion(JobState.FAILED, reason)

    def _free_caches(
        self, claim: Claim, description: DatasetDescription, test_description: DatasetDescription | None
    ) -> None:
        """Free what earlier jobs left in this process if the job might not have enough memory beside it."""
        if self.memory_limit is None:
            return
        rows = self.preparer.estimate_memory(claim.spec, description, test_description)
        estimate = _UNCERTAINTY * ((claim.memory_estimate or 0) + rows)
        if memory_limits.read_allocated_memory() + estimate > self.memory_limit:
            self._clear_caches()

    def _clear_caches(self) -> None:
        self.engine.clear_cache()
        self.preparer.clear_cache()


@contextmanager
def _trace_attempt(claim: Claim) -> Generator[None]:
    """Continue the trace of the request that created the job: its wait in the queue, and this attempt."""
    if claim.trace_context is not None and claim.queue_wait is not None:
        record_span("queue wait", claim.trace_context, *claim.queue_wait)
    with trace_span("attempt", claim.trace_context, job=str(claim.job_id), attempt=claim.attempt):
        yield


def _format_storage_error(error: StorageError | OSError) -> str:
    message = (
        str(error)
        if isinstance(error, StorageError)
        else f"A file could not be written or read: {error.strerror or error}."
    )
    return remove_paths(message)[:_MAX_MESSAGE_LENGTH]


def _log_unexpected_failure(event: str, action: str, error: Exception) -> Conclusion:
    """Log an error with its traceback, and return a failure that has only the id of the log's entry."""
    error_id = uuid.uuid4().hex
    log.error(event, action=action, error_id=error_id, exc_info=error)
    return _build_failure("unexpected", describe_unexpected_error(error_id), error_id=error_id)


def _build_failure(code: str, message: str, **details: str) -> Conclusion:
    return Conclusion(JobState.FAILED, lifecycle.build_reason(code, message, **details))
