"""Report an attempt while it trains: write epochs and checkpoints, renew the lease, read control requests."""

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

import structlog
from sqlalchemy.orm import Session

from service.db.database import DATABASE_UNAVAILABLE_ERRORS, SessionFactory
from service.errors import LeaseLost, StorageError
from service.history import metric_summaries
from service.jobs import attempts
from service.jobs.attempts import Claim, Conclusion, ControlRequests, EpochMetrics, ReleasedAttempt, StoredCheckpoint
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore
from stackyard.spec.training.metric_directions import list_maximized_columns
from worker.attempt.stop_reasons import (
    JobCancelled,
    JobPaused,
    StopTraining,
    TimeLimitReached,
    UntilEpochReached,
    WorkerShutdown,
)
from worker.runtime import memory
from worker.runtime.exit_codes import FORCED_STOP
from worker.runtime.shutdown_signal import ShutdownSignal

if TYPE_CHECKING:  # importing it loads tensorflow
    from worker.engine import Snapshot

_LEASE_MARGIN = 0.2
"""A worker that cannot renew its lease stops itself when this share of the lease is left."""
_REPORTED_GROWTH = 1.1
"""If the process's peak memory grows by this factor, it is reported at once."""

log = structlog.get_logger()


class AttemptReporter:
    """Connects the training thread, which must never wait, with the database.

    The training thread calls the public methods. Two further threads live as long as the `with` block:

    - The reporter thread writes everything for which the training need not wait, at most every `Settings.flush_s`.
    - The watchdog thread looks only at the clock, so that a database that blocks the reporter thread cannot make it
      miss the end of the lease.

    A reason to stop is raised by `check`. Once `mark_started` has been called, only a cancellation is raised there.
    Other reasons wait for the next checkpoint, but no longer than `Settings.cancel_grace_s`.

    Args:
        sessions: of the installation's database.
        claim: the claim of the attempt.
        settings: with the intervals and time limits.
        lease_start: a `time.monotonic()` from before the claim, which the start of the lease cannot precede.
        store: the store for checkpoints.
        shutdown_signal: the flag that this process is to shut down.

    """

    def __init__(
        self,
        sessions: SessionFactory,
        claim: Claim,
        settings: Settings,
        *,
        lease_start: float,
        store: ArtifactStore,
        shutdown_signal: ShutdownSignal,
    ) -> None:
        self._sessions = sessions
        self._claim = claim
        self._settings = settings
        self._store = store
        self._shutdown_signal = shutdown_signal
        self._lock = threading.Lock()
        self._commit_lock = threading.Lock()  # keeps two commits of pending epochs in their order
        self._metric_names = tuple(claim.metric_names)
        self._pending_rows: list[EpochMetrics] = []
        self._summaries = dict(claim.summaries)
        self._maximized = list_maximized_columns(claim.spec.training)
        self._started = self._last_renewal = self._last_progress = lease_start
        self._earlier_time_s = claim.spent_s
        self._last_checkpoint = math.inf
        self._control_requests = ControlRequests(finish_after=claim.finish_after, until_epoch=claim.until_epoch)
        self.final_checkpoint: StoredCheckpoint | None = None
        self._stop_pending_since = math.inf
        self._stop_deadline = math.inf
        self._peak_memory = 0
        self._lost = threading.Event()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._run_reporter, name="reporter", daemon=True),
            threading.Thread(target=self._run_watchdog, name="watchdog", daemon=True),
        ]

    def __enter__(self) -> Self:
        memory.reset_peak_memory()
        self._peak_memory = memory.read_peak_memory()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join()

    # Methods for the training thread

    def mark_started(self) -> None:
        """Mark the start of the training: from now on a stop would lose progress."""
        self._last_checkpoint = time.monotonic()

    def discard_progress(self) -> None:
        """Delete an unusable checkpoint and all recorded epochs, so that the training can begin again.

        Raises:
            LeaseLost: the attempt no longer belongs to this process.

        """
        with self._lock:
            self._metric_names, self._pending_rows, self._summaries, self._earlier_time_s = (), [], {}, 0.0
        self._commit_with_retries(lambda session: attempts.restart_attempt(session, self._claim))

    def record_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Record the metrics of an epoch; the first epoch decides the metric names.

        Raises:
            JobCancelled: as `check`.
            LeaseLost: as `check`.

        """
        with self._lock:
            self._metric_names = self._metric_names or tuple(metrics)
            row = EpochMetrics(epoch, [float(metrics[name]) for name in self._metric_names])
            self._pending_rows.append(row)
            self._summaries = metric_summaries.update_summaries(
                self._summaries, self._metric_names, self._maximized, epoch, row.values
            )
        self.check()

    def check(self) -> None:
        """Raise if the training is to stop now.

        Raises:
            JobCancelled: a client cancelled the job.
            LeaseLost: the attempt no longer belongs to this process, or soon will not.
            StopTraining: there is another reason to stop, and the training has not begun.

        """
        self._last_progress = time.monotonic()
        if self._lost.is_set():
            raise self._build_lease_lost()
        reason = self._find_stop_reason()
        has_begun = self._last_checkpoint != math.inf
        if reason is not None and (isinstance(reason, JobCancelled) or not has_begun):
            raise reason

    def wants_checkpoint(self) -> bool:
        """Return whether a checkpoint is due, or the training is to stop with one.

        Raises:
            JobCancelled: as `check`.
            LeaseLost: as `check`.

        """
        self.check()
        is_due = time.monotonic() - self._last_checkpoint >= self._settings.checkpoint_s
        return self._find_stop_reason() is not None or is_due

    def wants_finish(self, epochs: int) -> bool:
        """Return whether a client has asked to end the training, and `epochs` complete epochs suffice."""
        finish_after = self._control_requests.finish_after
        return finish_after is not None and epochs >= finish_after

    def save_checkpoint(self, snapshot: "Snapshot") -> None:
        """Store a checkpoint, from which the next attempt continues if this one does not finish the job.

        If the disk does not accept the file, the training goes on without it until the next checkpoint.

        Raises:
            LeaseLost: the attempt no longer belongs to this process.
            StopTraining: the reason to stop that waited for this checkpoint.

        """
        try:
            checkpoint = self._store_snapshot(snapshot)
            self._commit_with_retries(lambda session: attempts.save_checkpoint(session, self._claim, checkpoint))
        except StorageError as error:
            log.warning("checkpoint not written", action="checkpoint_failed", error=str(error))
        self._last_progress = self._last_checkpoint = time.monotonic()
        if (reason := self._find_stop_reason()) is not None:
            raise reason

    def get_until_epoch(self) -> int | None:
        """Return the number of epochs after which the job pauses; None to train to the end."""
        return self._control_requests.until_epoch

    def pause_training(self, snapshot: "Snapshot") -> NoReturn:
        """Store a checkpoint at the job's `until_epoch`, and stop with it.

        Raises:
            StorageError: the disk does not accept the file.
            UntilEpochReached: always else; the end of the attempt records the checkpoint.

        """
        raise UntilEpochReached(self._store_snapshot(snapshot))

    def wants_final_snapshot(self, size: int) -> bool:
        """Return whether the state at the end, of about `size` bytes, is small enough to be kept."""
        return size <= self._settings.final_checkpoint_bytes

    def save_final_snapshot(self, snapshot: "Snapshot") -> None:
        """Store the checkpoint that is kept with a job that succeeds; the job does without one if the disk is full."""
        try:
            self.final_checkpoint = self._store_snapshot(snapshot)
        except StorageError as error:
            log.warning("final checkpoint not written", action="checkpoint_failed", error=str(error))

    def end_attempt(self, ending: Conclusion | ReleasedAttempt) -> None:
        """Record the remaining epochs and end the attempt; retry until the database answers or the lease is over.

        Raises:
            LeaseLost: the lease was over first.

        """
        self._commit_with_retries(lambda session: self._end_attempt(session, ending))
        self._closing.set()

    def _store_snapshot(self, snapshot: "Snapshot") -> StoredCheckpoint:
        from worker.attempt import checkpoint_file  # noqa: PLC0415 it loads tensorflow

        with self._store.receive_file() as incoming:
            checkpoint_file.write_checkpoint(
                snapshot, incoming, job_id=self._claim.job_id, attempt=self._claim.attempt
            )
            file = self._store.commit_file(incoming)
        return StoredCheckpoint(file, snapshot.epoch, snapshot.step, self._compute_spent_time())

    def _commit_with_retries(self, change: Callable[[Session], None]) -> None:
        """Commit a change; retry until the database answers or the lease is over."""
        while not self._lost.is_set():
            self._last_progress = time.monotonic()
            try:
                self._commit(change)
            except DATABASE_UNAVAILABLE_ERRORS as error:
                log.warning("not written yet", action="write_failed", error=str(error))
                self._lost.wait(self._settings.flush_s)
            else:
                return
        raise self._build_lease_lost()

    # Helpers for all threads

    def _find_stop_reason(self) -> StopTraining | None:
        limit_s = self._claim.spec.run.time_limit_s
        if self._control_requests.cancel:
            return JobCancelled()
        if self._shutdown_signal.is_set:
            return WorkerShutdown()
        if self._control_requests.pause:
            return JobPaused()
        if limit_s is not None and self._compute_spent_time() >= limit_s:
            return TimeLimitReached(limit_s)
        return None

    def _compute_spent_time(self) -> float:
        return self._earlier_time_s + time.monotonic() - self._started

    def _commit(self, change: Callable[[Session], None]) -> None:
        """Record the pending epochs and apply a change in one transaction."""
        with self._commit_lock:
            with self._lock:
                rows, names, summaries = list(self._pending_rows), self._metric_names, dict(self._summaries)
            with self._sessions.begin() as session:
                attempts.record_epochs(session, self._claim, names, rows, summaries)
                change(session)
            with self._lock:
                self._pending_rows = self._pending_rows[len(rows) :]

    def _end_attempt(self, session: Session, ending: Conclusion | ReleasedAttempt) -> None:
        peak_memory = max(self._peak_memory, memory.read_peak_memory())
        if isinstance(ending, Conclusion):
            attempts.conclude_attempt(session, self._claim, ending, peak_memory=peak_memory)
        else:
            attempts.release_attempt(session, self._claim, ending, peak_memory=peak_memory)

    def _build_lease_lost(self) -> LeaseLost:
        return LeaseLost(
            f"Attempt {self._claim.attempt} of job {self._claim.job_id} no longer belongs to this worker."
        )

    # The threads

    def _run_reporter(self) -> None:
        while not self._closing.wait(self._settings.flush_s):
            try:
                if not self._lost.is_set():
                    self._flush_epochs()
                    self._renew_lease()
                    self._enforce_stop()
            except LeaseLost:
                self._mark_lost()
            except DATABASE_UNAVAILABLE_ERRORS as error:
                log.warning("report not written", action="report_failed", error=str(error))
            except Exception:  # the watchdog stops the training before the lease ends, whatever the error is
                log.exception("report not written", action="report_failed")

    def _run_watchdog(self) -> None:
        """Ask the training to stop before the lease ends, and end the process if it does not stop."""
        while not self._closing.wait(self._settings.flush_s):
            if time.monotonic() - self._last_renewal > self._settings.lease_s * (1 - _LEASE_MARGIN):
                self._mark_lost()
            if time.monotonic() > self._stop_deadline:
                log.error("stopped by force", action="lease_enforced", job=str(self._claim.job_id))
                os._exit(FORCED_STOP)

    def _flush_epochs(self) -> None:
        if self._pending_rows:
            self._commit(self._read_control_requests)
        else:
            with self._sessions.read() as session:
                self._read_control_requests(session)

    def _read_control_requests(self, session: Session) -> None:
        self._control_requests = attempts.load_control_requests(session, self._claim)

    def _renew_lease(self) -> None:
        renewal_time, peak_memory = time.monotonic(), memory.read_peak_memory()
        is_due = renewal_time - self._last_renewal >= self._settings.heartbeat_s
        if not is_due and peak_memory < self._peak_memory * _REPORTED_GROWTH:
            return
        with self._sessions.begin() as session:
            attempts.renew_lease(session, self._claim, self._settings.lease_s, peak_memory=peak_memory)
        self._last_renewal, self._peak_memory = renewal_time, peak_memory

    def _enforce_stop(self) -> None:
        """End the attempt and this process if the training ignores a reason to stop, or makes no progress."""
        current_time, reason = time.monotonic(), self._find_stop_reason()
        self._stop_pending_since = math.inf if reason is None else min(self._stop_pending_since, current_time)
        if reason is not None and current_time - self._stop_pending_since > self._settings.cancel_grace_s:
            self._end_by_force(lambda session: self._end_attempt(session, reason.build_forced_ending()))
        silent_s, max_crashes = current_time - self._last_progress, self._settings.max_crashes
        if silent_s > self._settings.progress_s:
            self._end_by_force(
                lambda session: attempts.end_stalled_attempt(
                    session, self._claim, silent_s=silent_s, max_crashes=max_crashes
                )
            )

    def _end_by_force(self, end_attempt: Callable[[Session], None]) -> None:
        self._commit(end_attempt)
        log.error("stopped by force", action="stop_enforced", job=str(self._claim.job_id))
        os._exit(FORCED_STOP)

    def _mark_lost(self) -> None:
        """Tell the training thread to stop, and set its deadline."""
        if not self._lost.is_set():
            lease_end = self._last_renewal + self._settings.lease_s
            self._stop_deadline = min(time.monotonic() + self._settings.cancel_grace_s, lease_end)
            self._lost.set()
