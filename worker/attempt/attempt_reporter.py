"""What goes on beside the training: epochs and checkpoints are recorded, the lease is renewed, wishes are heard."""

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog
from sqlalchemy.orm import Session

from service.db.database import UNAVAILABLE, Sessions
from service.errors import LeaseLost, StorageError
from service.history import metric_summaries
from service.jobs import attempts
from service.jobs.attempts import Claim, Conclusion, EpochRow, LetGo, MadeCheckpoint, Wishes
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore, Stored
from worker.attempt.stop_reasons import Cancelled, HandedBack, OutOfTime, Paused, Stop
from worker.runtime import memory
from worker.runtime.shutdown_signal import Notice
from worker.supervision.child_monitor import STOPPED_ITSELF

if TYPE_CHECKING:  # it comes with tensorflow
    from worker.engine import Snapshot

_SAFETY = 0.2
"""The share of a lease's time before whose end a worker that could not renew it stops itself."""
_GROWN = 1.1
"""By this factor the process's memory grows before somebody is told at once."""

log = structlog.get_logger()


class Reporter:
    """Between the training thread, which must never wait, and the database.

    `epoch`, `check` and what has to do with checkpoints are the training thread's. What it need not wait for is
    written in a thread of the reporter's own, at most every `Settings.flush_s`. A second thread looks at the clock
    alone, so that a database that keeps the first one waiting cannot make it miss the lease's end. Used as a context
    manager: the threads live as long as the block.

    Whatever wants the training to stop is raised by `check`, before there is anything to lose; from `begin` on, only
    the wish to cancel is. The others wait for a checkpoint, and for `Settings.cancel_grace_s` at most.

    Args:
        sessions: of the installation's database.
        claim: the attempt.
        settings: for the times.
        since: `time.monotonic()` from before the claim, when the lease cannot have begun yet.
        store: where checkpoints go.
        notice: that this process is to end.

    """

    def __init__(
        self,
        sessions: Sessions,
        claim: Claim,
        settings: Settings,
        *,
        since: float,
        store: ArtifactStore,
        notice: Notice,
    ) -> None:
        self._sessions = sessions
        self._claim = claim
        self._settings = settings
        self._store = store
        self._notice = notice
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # or the older of two looks at what is pending could be written last
        self._names = tuple(claim.names)
        self._pending: list[EpochRow] = []
        self._summaries = dict(claim.summaries)
        self._began = self._renewed = self._heard = since
        self._spent_s = claim.spent_s
        self._checkpointed = math.inf
        self._wishes = Wishes(cancel=False, pause=False)
        self._wanted_since = math.inf
        self._stop_by = math.inf
        self._peak = 0
        self._lost = threading.Event()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._report, name="reporter", daemon=True),
            threading.Thread(target=self._watch, name="watchdog", daemon=True),
        ]

    def __enter__(self) -> Self:
        memory.forget_peak()
        self._peak = memory.peak()
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

    # Called by the training thread

    def begin(self) -> None:
        """The training begins: from now on there is something to lose."""
        self._checkpointed = time.monotonic()

    def begin_anew(self) -> None:
        """Begin at the beginning, for the checkpoint is of no use: what was recorded before it goes.

        Raises:
            LeaseLost: the attempt is no longer ours.

        """
        with self._lock:
            self._names, self._pending, self._summaries, self._spent_s = (), [], {}, 0.0
        self._write(lambda session: attempts.start_anew(session, self._claim))

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Take note of an epoch's metrics; its names are those of the first epoch.

        Raises:
            Cancelled: as `check`.
            LeaseLost: as `check`.

        """
        with self._lock:
            self._names = self._names or tuple(values)
            row = EpochRow(number, [float(values[name]) for name in self._names])
            self._pending.append(row)
            self._summaries = metric_summaries.with_epoch(self._summaries, self._names, number, row.values)
        self.check()

    def check(self) -> None:
        """Go on only while somebody wants the result and the attempt is ours.

        Raises:
            Cancelled: the job's owner wants it to stop.
            LeaseLost: the attempt is no longer ours, or will soon not be.
            Stop: another reason, before the training has begun.

        """
        self._heard = time.monotonic()
        if self._lost.is_set():
            raise self._lease_lost()
        stop = self._wanted()
        if stop is not None and (isinstance(stop, Cancelled) or self._checkpointed == math.inf):
            raise stop

    def wants_checkpoint(self) -> bool:
        """Whether it is time for one, or the training is to stop with one.

        Raises:
            Cancelled: as `check`.
            LeaseLost: as `check`.

        """
        self.check()
        return self._wanted() is not None or time.monotonic() - self._checkpointed >= self._settings.checkpoint_s

    def checkpoint(self, snapshot: "Snapshot") -> None:
        """Have the job go on from here, should this attempt not end it.

        A disk that does not take it does not end the training: there is a next time.

        Raises:
            LeaseLost: the attempt is no longer ours.
            Stop: what it was wanted for.

        """
        try:
            made = MadeCheckpoint(self._stored(snapshot), snapshot.epoch, snapshot.step, self._spent())
            self._write(lambda session: attempts.keep_checkpoint(session, self._claim, made))
        except StorageError as error:
            log.warning("checkpoint not written", action="checkpoint_failed", error=str(error))
        self._heard = self._checkpointed = time.monotonic()
        if (stop := self._wanted()) is not None:
            raise stop

    def conclude(self, ending: Conclusion | LetGo) -> None:
        """Record what is left and end the attempt, trying until the database answers or the lease is over.

        Raises:
            LeaseLost: it was over first.

        """
        self._write(lambda session: self._end(session, ending))
        self._closing.set()

    def _stored(self, snapshot: "Snapshot") -> Stored:
        from worker.attempt import checkpoint_file  # noqa: PLC0415 it comes with tensorflow

        with self._store.receive() as incoming:
            checkpoint_file.write(snapshot, incoming, job_id=self._claim.job_id, attempt=self._claim.attempt)
            return self._store.keep(incoming)

    def _write(self, then: Callable[[Session], None]) -> None:
        """Commit, trying until the database answers or the lease is over."""
        while not self._lost.is_set():
            self._heard = time.monotonic()
            try:
                self._commit(then)
            except UNAVAILABLE as error:
                log.warning("not written yet", action="write_failed", error=str(error))
                self._lost.wait(self._settings.flush_s)
            else:
                return
        raise self._lease_lost()

    # What both sides use

    def _wanted(self) -> Stop | None:
        limit_s = self._claim.spec.run.time_limit_s
        if self._wishes.cancel:
            return Cancelled()
        if self._notice.given:
            return HandedBack()
        if self._wishes.pause:
            return Paused()
        if limit_s is not None and self._spent() >= limit_s:
            return OutOfTime(limit_s)
        return None

    def _spent(self) -> float:
        return self._spent_s + time.monotonic() - self._began

    def _commit(self, then: Callable[[Session], None]) -> None:
        """Record the epochs that are pending and, in the same transaction, whatever comes with them."""
        with self._writing:
            with self._lock:
                rows, names, known = list(self._pending), self._names, dict(self._summaries)
            with self._sessions.begin() as session:
                attempts.record_epochs(session, self._claim, names, rows, known)
                then(session)
            with self._lock:
                self._pending = self._pending[len(rows) :]

    def _end(self, session: Session, ending: Conclusion | LetGo) -> None:
        peak = max(self._peak, memory.peak())
        if isinstance(ending, Conclusion):
            attempts.conclude(session, self._claim, ending, peak_memory=peak)
        else:
            attempts.let_go(session, self._claim, ending, peak_memory=peak)

    def _lease_lost(self) -> LeaseLost:
        return LeaseLost(f"Attempt {self._claim.attempt} of job {self._claim.job_id} is no longer ours.")

    # The threads

    def _report(self) -> None:
        while not self._closing.wait(self._settings.flush_s):
            try:
                if not self._lost.is_set():
                    self._flush()
                    self._renew()
                    self._insist()
            except LeaseLost:
                self._lose()
            except UNAVAILABLE as error:
                log.warning("report not written", action="report_failed", error=str(error))
            except Exception:  # whatever it is, the watchdog ends this before the lease does
                log.exception("report not written", action="report_failed")

    def _watch(self) -> None:
        """Hold the training to the lease: tell it in time to stop, and stop it by force if it does not."""
        while not self._closing.wait(self._settings.flush_s):
            if time.monotonic() - self._renewed > self._settings.lease_s * (1 - _SAFETY):
                self._lose()
            if time.monotonic() > self._stop_by:
                log.error("stopped by force", action="lease_enforced", job=str(self._claim.job_id))
                os._exit(STOPPED_ITSELF)

    def _flush(self) -> None:
        if self._pending:
            self._commit(self._hear)
        else:
            with self._sessions.read() as session:
                self._hear(session)

    def _hear(self, session: Session) -> None:
        self._wishes = attempts.wishes(session, self._claim)

    def _renew(self) -> None:
        began, peak = time.monotonic(), memory.peak()
        if began - self._renewed < self._settings.heartbeat_s and peak < self._peak * _GROWN:
            return
        with self._sessions.begin() as session:
            attempts.renew(session, self._claim, self._settings.lease_s, peak_memory=peak)
        self._renewed, self._peak = began, peak

    def _insist(self) -> None:
        """End the attempt, and this process, if the training does not stop when it is to, or makes no progress."""
        now, stop = time.monotonic(), self._wanted()
        self._wanted_since = math.inf if stop is None else min(self._wanted_since, now)
        if stop is not None and now - self._wanted_since > self._settings.cancel_grace_s:
            self._force(lambda session: self._end(session, stop.by_force()))
        silent_s, most = now - self._heard, self._settings.max_crashes
        if silent_s > self._settings.progress_s:
            self._force(
                lambda session: attempts.end_stalled(session, self._claim, silent_s=silent_s, max_crashes=most)
            )

    def _force(self, end: Callable[[Session], None]) -> None:
        self._commit(end)
        log.error("stopped by force", action="stop_enforced", job=str(self._claim.job_id))
        os._exit(STOPPED_ITSELF)

    def _lose(self) -> None:
        """Let the training thread know that it must stop, and until when it has time to."""
        if not self._lost.is_set():
            ends = self._renewed + self._settings.lease_s
            self._stop_by = min(time.monotonic() + self._settings.cancel_grace_s, ends)
            self._lost.set()
