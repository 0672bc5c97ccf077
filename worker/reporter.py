"""What goes on beside the training: epochs are recorded, the lease is renewed, the wish to cancel is heard."""

import math
import os
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog

from models import JobState
from service import attempts, history, lifecycle
from service.attempts import Claim, Conclusion, EpochRow, MetricSummary
from service.database import UNAVAILABLE, Sessions
from service.errors import LeaseLost
from service.settings import Settings

if TYPE_CHECKING:  # it comes with tensorflow
    from worker.engine import Snapshot

_SAFETY = 0.2
"""The share of a lease's time before whose end a worker that could not renew it stops itself."""
_EXIT_STOPPED_BY_FORCE = 75
"""sysexits.h's EX_TEMPFAIL: the process is well, but what it ran had to be stopped."""

log = structlog.get_logger()


class Cancelled(Exception):
    """The job's owner wants it to stop."""


class Reporter:
    """Between the training thread, which must never wait, and the database.

    `epoch` and `check` are the training thread's; everything that writes happens in a thread of the reporter's own, at
    most every `Settings.flush_s`. A second thread looks at the clock alone, so that a database that keeps the first
    one waiting cannot make it miss the lease's end. Used as a context manager: the threads live as long as the block.

    Args:
        sessions: of the installation's database.
        claim: the attempt.
        settings: for the times.
        since: `time.monotonic()` from before the claim, when the lease cannot have begun yet.

    """

    def __init__(self, sessions: Sessions, claim: Claim, settings: Settings, *, since: float) -> None:
        self._sessions = sessions
        self._claim = claim
        self._settings = settings
        self._lock = threading.Lock()
        self._names: tuple[str, ...] = ()
        self._pending: list[EpochRow] = []
        self._summaries: dict[str, MetricSummary] = {}
        self._renewed = since
        self._cancelled_at = math.inf
        self._stop_by = math.inf
        self._lost = threading.Event()
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._report, name="reporter", daemon=True),
            threading.Thread(target=self._watch, name="watchdog", daemon=True),
        ]

    def __enter__(self) -> Self:
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

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Take note of an epoch's metrics; its names are those of the first epoch.

        Raises:
            Cancelled: as `check`.
            LeaseLost: as `check`.

        """
        with self._lock:
            self._names = self._names or tuple(values)
            self._pending.append(EpochRow(number, [float(values[name]) for name in self._names]))
            for name in self._names:
                self._summaries[name] = _summary(name, number, float(values[name]), self._summaries.get(name))
        self.check()

    def check(self) -> None:
        """Go on only while somebody wants the result and the attempt is ours.

        Raises:
            Cancelled: the job's owner wants it to stop.
            LeaseLost: the attempt is no longer ours, or will soon not be.

        """
        if self._lost.is_set():
            raise LeaseLost(f"Attempt {self._claim.attempt} of job {self._claim.job_id} is no longer ours.")
        if self._cancelled_at < math.inf:
            raise Cancelled

    def wants_checkpoint(self) -> bool:
        """Whether it is time for one."""
        return False

    def checkpoint(self, snapshot: "Snapshot") -> None:
        """Keep the training's state."""

    def conclude(self, conclusion: Conclusion) -> None:
        """Record what is left and end the job, trying until the database answers or the lease is over.

        Raises:
            LeaseLost: it was over first.

        """
        while not self._lost.is_set():
            try:
                with self._sessions.begin() as session, self._lock:
                    rows = self._pending
                    attempts.record_epochs(session, self._claim, self._names, rows, self._summaries)
                    attempts.conclude(session, self._claim, conclusion)
            except UNAVAILABLE as error:
                log.warning("conclusion not written", action="conclude_failed", error=str(error))
                self._lost.wait(self._settings.flush_s)
            else:
                self._closing.set()
                return
        raise LeaseLost(f"Attempt {self._claim.attempt} of job {self._claim.job_id} is no longer ours.")

    def _report(self) -> None:
        while not self._closing.wait(self._settings.flush_s):
            try:
                if not self._lost.is_set():
                    self._flush()
                    self._renew()
                if time.monotonic() - self._cancelled_at > self._settings.cancel_grace_s:
                    self._cancel_by_force()
            except LeaseLost:
                self._lose()
            except UNAVAILABLE as error:
                log.warning("report not written", action="report_failed", error=str(error))

    def _watch(self) -> None:
        """Hold the training to the lease: tell it in time to stop, and stop it by force if it does not."""
        while not self._closing.wait(self._settings.flush_s):
            if time.monotonic() - self._renewed > self._settings.lease_s * (1 - _SAFETY):
                self._lose()
            if time.monotonic() > self._stop_by:
                log.error("stopped by force", action="lease_enforced", job=str(self._claim.job_id))
                os._exit(_EXIT_STOPPED_BY_FORCE)

    def _flush(self) -> None:
        with self._lock:
            rows, names, summaries = list(self._pending), self._names, dict(self._summaries)
        if rows:
            with self._sessions.begin() as session:
                attempts.record_epochs(session, self._claim, names, rows, summaries)
                wish = attempts.cancel_requested(session, self._claim)
            with self._lock:
                self._pending = self._pending[len(rows) :]
        else:
            with self._sessions.read() as session:
                wish = attempts.cancel_requested(session, self._claim)
        if wish:
            self._cancelled_at = min(self._cancelled_at, time.monotonic())

    def _renew(self) -> None:
        began = time.monotonic()
        if began - self._renewed < self._settings.heartbeat_s:
            return
        with self._sessions.begin() as session:
            attempts.renew(session, self._claim, self._settings.lease_s)
        self._renewed = began

    def _lose(self) -> None:
        """Let the training thread know that it must stop, and until when it has time to."""
        if not self._lost.is_set():
            ends = self._renewed + self._settings.lease_s
            self._stop_by = min(time.monotonic() + self._settings.cancel_grace_s, ends)
            self._lost.set()

    def _cancel_by_force(self) -> None:
        why = lifecycle.reason("cancelled", "Cancelled; it did not stop when asked and was stopped by force.")
        with self._sessions.begin() as session:
            attempts.conclude(session, self._claim, Conclusion(JobState.CANCELLED, why))
        log.warning("stopped by force", action="cancel_enforced", job=str(self._claim.job_id))
        os._exit(_EXIT_STOPPED_BY_FORCE)


def _summary(name: str, epoch: int, value: float, before: MetricSummary | None) -> MetricSummary:
    number = history.finite(value)
    if before is None or before.best is None:
        return MetricSummary(number, number, None if number is None else epoch)
    if number is not None and (number > before.best if history.higher_is_better(name) else number < before.best):
        return MetricSummary(number, number, epoch)
    return MetricSummary(number, before.best, before.best_epoch)
