"""A thread in every worker's parent that looks after the attempts of its children, from outside of them."""

import contextlib
import math
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import Sessions
from service.jobs import recovery
from service.jobs.crashes import Crash
from service.queue.wake_ups import WakeUps
from service.settings import Settings
from worker.runtime import memory
from worker.runtime.shutdown_signal import PASSED_ON

STOPPED_ITSELF = 75
"""A child's exit status (sysexits.h's EX_TEMPFAIL): the process was well, but what it ran had to be stopped."""

_TICK_S = 0.2
_RECENT_S = 10.0
"""How long before a process's end is noticed the kernel may have begun to kill it: to give back memory takes time."""
_QUIET_END_S = 3.0
"""After so long a worker that is to end does not wait for children that have no job."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Ended:
    """A child that has ended.

    Args:
        pid: its process id.
        status: its exit status, negative for a signal.
        for_memory: whether the kernel has killed something for want of memory in the last seconds.
        at: `time.monotonic()` of when that was noticed.

    """

    pid: int
    status: int
    for_memory: bool
    at: float

    @property
    def crash(self) -> Crash | None:
        """What became of it, as far as that is a job's doing; None for one that stopped itself or was told to."""
        if self.status in {STOPPED_ITSELF, signal.SIGTERM, -signal.SIGTERM}:
            return None
        if self.status >= 0:
            return Crash(f"its process ended with status {self.status}", exit_status=self.status)
        name = _name(-self.status)
        for_memory = self.for_memory and self.status == -signal.SIGKILL
        why = " for want of memory" if for_memory else ""
        return Crash(f"its process was killed by {name}{why}", signal=name, for_memory=for_memory)


class Children:
    """Ends at once the attempts of children that died, tells all that the worker is to end, kills who does not react.

    Args:
        settings: of the installation.
        worker_id: the worker's.
        pids: the children that there are at the moment.
        busy: those of them that run a task.

    """

    def __init__(
        self,
        settings: Settings,
        worker_id: UUID,
        *,
        pids: Callable[[], Collection[int]],
        busy: Callable[[], Collection[int]],
    ) -> None:
        self._settings = settings
        self._worker_id = worker_id
        self._pids = pids
        self._busy = busy
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._kills = memory.oom_kills()
        self._killed_at = -math.inf
        self._ending_since: float | None = None
        self._hard = self._hurried = False
        self._told: set[int] = set()
        self._amiss: dict[tuple[int, str], float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="children", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ended(self, pid: int, status: int) -> None:
        """Take note of a child's end; the rest happens in the thread."""
        self._look_for_kills()
        now = time.monotonic()
        self._ended.put(Ended(pid, status, now - self._killed_at < _RECENT_S, now))

    def end(self, *, hard: bool) -> None:
        """Have the children hand back what they have. Called by signal handlers: it waits for nothing.

        Args:
            hard: whether Celery kills them anyway; their attempts are then lost, and nothing is their jobs' fault.

        """
        self._hard = self._hard or hard
        self._ending_since = self._ending_since or time.monotonic()
        self._pass_on()

    def stop(self) -> None:
        """End the thread once the last deaths are recorded, if the database answers soon."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(self._settings.heartbeat_s)

    def _run(self) -> None:
        sessions = Sessions(self._settings.database)
        wake_ups = WakeUps(self._settings)
        looked = time.monotonic()
        while not (self._stopping.is_set() and self._ended.empty()):
            try:
                self._look_for_kills()
                self._tell()
                self._settle(sessions, wake_ups)
                if time.monotonic() - looked > self._settings.heartbeat_s:
                    looked = time.monotonic()
                    self._look(sessions)
            except SQLAlchemyError as error:
                log.warning("children not looked after", action="children_failed", error=str(error))
            except Exception:
                log.exception("children not looked after", action="children_failed")
            time.sleep(_TICK_S)
        sessions.dispose()

    def _settle(self, sessions: Sessions, wake_ups: WakeUps) -> None:
        """End the attempts of those that died, in their order; what the database does not take waits for the next."""
        while not self._ended.empty():
            ended = self._ended.get()
            try:
                waits = self._end_attempt(sessions, ended)
            except SQLAlchemyError:
                if time.monotonic() - ended.at < self._settings.lease_s:  # else somebody has found the lease over
                    self._ended.put(ended)
                raise
            if waits is not None:
                wake_ups.send(waits)

    def _end_attempt(self, sessions: Sessions, ended: Ended) -> str | None:
        crash = None if self._hard else ended.crash
        with sessions.begin() as session:
            waits = recovery.end_attempt_of(
                session,
                worker_id=self._worker_id,
                worker=f"{socket.gethostname()}:{ended.pid}",
                crash=crash,
                max_crashes=self._settings.max_crashes,
            )
        if waits is not None:
            log.warning("a child ended in an attempt", action="child_ended", pid=ended.pid, status=ended.status)
        return waits

    def _tell(self) -> None:
        if self._ending_since is None or self._hard:
            return
        self._pass_on()
        if time.monotonic() - self._ending_since > _QUIET_END_S and not self._hurried and not self._busy():
            self._hurried = True
            log.info("ending without children that have no job", action="quick_end")
            os.kill(os.getpid(), signal.SIGQUIT)

    def _pass_on(self) -> None:
        for pid in set(self._pids()) - self._told:
            self._told.add(pid)
            _kill(pid, PASSED_ON)

    def _look_for_kills(self) -> None:
        kills = memory.oom_kills()
        if kills > self._kills:
            self._killed_at = time.monotonic()
        self._kills = kills

    def _look(self, sessions: Sessions) -> None:
        """Kill children that are beyond stopping themselves, as one that never comes back from a library's code."""
        with sessions.read() as session:
            attempts = recovery.attempts_of(session, self._worker_id)
        amiss = self._seen_amiss({int(worker.rpartition(":")[2]): wish for worker, wish in attempts.items()})
        now = time.monotonic()
        self._amiss = {one: self._amiss.get(one, now) for one in amiss}
        patience = self._settings.lease_s + self._settings.cancel_grace_s
        for (pid, what), since in self._amiss.items():
            if now - since > patience:
                log.error("a child does not react and is killed", action="child_killed", pid=pid, what=what)
                _kill(pid, signal.SIGKILL)

    def _seen_amiss(self, cancelled: Mapping[int, bool]) -> set[tuple[int, str]]:
        """Of each child that has a task: whether its attempt is over, or not wanted."""
        busy = set(self._busy())
        over = {(pid, "attempt over") for pid in busy - cancelled.keys()}
        return over | {(pid, "cancelled") for pid in busy & cancelled.keys() if cancelled[pid]}


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
