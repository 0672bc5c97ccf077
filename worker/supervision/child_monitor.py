"""A thread in every worker's parent that supervises the children and their attempts from outside."""

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
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from service.db.database import SessionFactory
from service.jobs import recovery
from service.jobs.crashes import Crash
from service.queue.wake_ups import WakeUpSender
from service.settings import Settings
from service.team.usage.policy import open_sessions
from worker.runtime import memory, memory_limits
from worker.runtime.exit_codes import FORCED_STOP, REPLACED
from worker.runtime.shutdown_signal import PARENT_SHUTDOWN

_POLL_S = 0.2
_OOM_KILL_WINDOW_S = 10.0
"""The kernel may begin a kill this long before the process's end is noticed: freeing its memory takes time."""
_NEAR_LIMIT = 0.8
"""A child that was seen with this share of its memory limit, and is then aborted, has probably exceeded the limit."""
_ABORTS = frozenset({-signal.SIGABRT, -signal.SIGSEGV})
"""C++ aborts a process that gets no memory; C code without a check reads address 0."""
_IDLE_SHUTDOWN_S = 3.0
"""A worker that shuts down waits this long for children that have no job."""

log = structlog.get_logger()


class MemoryUse(NamedTuple):
    """The most memory that a busy child was seen to have allocated, and its limit, in bytes."""

    peak: int
    limit: int


@dataclass(frozen=True)
class ChildExit:
    """The exit of a child process.

    Args:
        pid: its process id.
        status: its exit status, negative for a signal.
        after_oom_kill: whether the kernel has killed a process for lack of memory in the last seconds.
        noticed_at: the `time.monotonic()` at which the exit was noticed.
        memory_use: its memory, if it was seen with a limit.

    """

    pid: int
    status: int
    after_oom_kill: bool
    noticed_at: float
    memory_use: MemoryUse | None = None

    @property
    def crash(self) -> Crash | None:
        """The crash that this exit means for the job; None if the child stopped itself or was asked to stop."""
        if self.status in {FORCED_STOP, REPLACED, signal.SIGTERM, -signal.SIGTERM}:
            return None
        if self.status >= 0:
            return Crash(f"its process ended with status {self.status}", exit_status=self.status)
        name = _get_signal_name(-self.status)
        peak = None if self.memory_use is None else self.memory_use.peak
        if self._has_reached_limit and self.status in _ABORTS:
            description = f"its process reached its limit of memory and ended with {name}"
            return Crash(description, signal=name, is_out_of_memory=True, exceeded_limit=True, peak_memory=peak)
        is_oom_kill = self.after_oom_kill and self.status == -signal.SIGKILL
        cause = " because memory ran out" if is_oom_kill else ""
        description = f"its process was killed by {name}{cause}"
        return Crash(description, signal=name, is_out_of_memory=is_oom_kill, peak_memory=peak if is_oom_kill else None)

    @property
    def _has_reached_limit(self) -> bool:
        return self.memory_use is not None and self.memory_use.peak >= _NEAR_LIMIT * self.memory_use.limit


class ChildMonitor:
    """Ends the attempts of children that died, passes on the shutdown, and kills children that do not react.

    Args:
        settings: of the installation.
        worker_id: the worker's id in the registry.
        list_children: returns the process ids of the current children.
        list_busy_children: returns the process ids of the children that run a task.

    """

    def __init__(
        self,
        settings: Settings,
        worker_id: UUID,
        *,
        list_children: Callable[[], Collection[int]],
        list_busy_children: Callable[[], Collection[int]],
    ) -> None:
        self._settings = settings
        self._worker_id = worker_id
        self._list_children = list_children
        self._list_busy_children = list_busy_children
        self._exits: queue.SimpleQueue[ChildExit] = queue.SimpleQueue()
        self._oom_kill_count = memory.count_oom_kills()
        self._last_oom_kill = -math.inf
        self.memory_uses: dict[int, MemoryUse] = {}
        """The memory of each busy child that has a limit."""
        self._shutdown_since: float | None = None
        self._is_cold = self._quit_sent = False
        self._signalled: set[int] = set()
        self._problem_since: dict[tuple[int, str], float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="child-monitor", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def record_exit(self, pid: int, status: int) -> None:
        """Record a child's exit; the thread does the rest."""
        self._check_oom_kills()
        current_time = time.monotonic()
        after_oom_kill = current_time - self._last_oom_kill < _OOM_KILL_WINDOW_S
        self._exits.put(ChildExit(pid, status, after_oom_kill, current_time, self.memory_uses.pop(pid, None)))

    def shut_down(self, *, is_cold: bool) -> None:
        """Have the children hand back their attempts. Does not block: signal handlers call this.

        Args:
            is_cold: whether Celery kills the children anyway. Then their attempts are lost, and no job has crashed.

        """
        self._is_cold = self._is_cold or is_cold
        self._shutdown_since = self._shutdown_since or time.monotonic()
        self._signal_children()

    def stop(self) -> None:
        """Stop the thread once the last exits are recorded, if the database answers soon."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(self._settings.heartbeat_s)

    def _run(self) -> None:
        sessions = open_sessions(self._settings)
        wake_ups = WakeUpSender(self._settings)
        last_check = time.monotonic()
        while not (self._stopping.is_set() and self._exits.empty()):
            try:
                self._check_oom_kills()
                self._watch_memory()
                self._continue_shutdown()
                self._process_exits(sessions, wake_ups)
                if time.monotonic() - last_check > self._settings.heartbeat_s:
                    last_check = time.monotonic()
                    self._kill_unresponsive(sessions)
            except SQLAlchemyError as error:
                log.warning("children not checked", action="children_failed", error=str(error))
            except Exception:
                log.exception("children not checked", action="children_failed")
            time.sleep(_POLL_S)
        sessions.dispose()

    def _process_exits(self, sessions: SessionFactory, wake_ups: WakeUpSender) -> None:
        """End the attempts of children that exited, in their order; retry later while the database is unavailable."""
        while not self._exits.empty():
            child = self._exits.get()
            try:
                job_queue = self._end_attempt(sessions, child)
            except SQLAlchemyError:
                # Once the lease is over, a reconciler ends the attempt.
                if time.monotonic() - child.noticed_at < self._settings.lease_s:
                    self._exits.put(child)
                raise
            if job_queue is not None:
                wake_ups.send(job_queue)

    def _end_attempt(self, sessions: SessionFactory, child: ChildExit) -> str | None:
        crash = None if self._is_cold else child.crash
        with sessions.begin() as session:
            job_queue = recovery.end_process_attempt(
                session,
                worker_id=self._worker_id,
                worker=f"{socket.gethostname()}:{child.pid}",
                crash=crash,
                max_crashes=self._settings.max_crashes,
            )
        if job_queue is not None:
            log.warning("a child ended in an attempt", action="child_ended", pid=child.pid, status=child.status)
        return job_queue

    def _continue_shutdown(self) -> None:
        if self._shutdown_since is None or self._is_cold:
            return
        self._signal_children()
        is_overdue = time.monotonic() - self._shutdown_since > _IDLE_SHUTDOWN_S
        if is_overdue and not self._quit_sent and not self._list_busy_children():
            self._quit_sent = True
            log.info("not waiting for children that have no job", action="quick_end")
            os.kill(os.getpid(), signal.SIGQUIT)

    def _signal_children(self) -> None:
        for pid in set(self._list_children()) - self._signalled:
            self._signalled.add(pid)
            _send_signal(pid, PARENT_SHUTDOWN)

    def _watch_memory(self) -> None:
        """Record the largest memory that each child has had: a dead child has none."""
        for pid in self._list_busy_children():
            if limit := memory_limits.read_memory_limit(pid):
                peak = self.memory_uses[pid].peak if pid in self.memory_uses else 0
                self.memory_uses[pid] = MemoryUse(max(peak, memory_limits.read_allocated_memory(pid)), limit)

    def _check_oom_kills(self) -> None:
        count = memory.count_oom_kills()
        if count > self._oom_kill_count:
            self._last_oom_kill = time.monotonic()
        self._oom_kill_count = count

    def _kill_unresponsive(self, sessions: SessionFactory) -> None:
        """Kill children that cannot stop themselves, for example because a library call never returns."""
        with sessions.read() as session:
            attempts = recovery.list_worker_attempts(session, self._worker_id)
        problems = self._find_problems({int(worker.rpartition(":")[2]): cancel for worker, cancel in attempts.items()})
        current_time = time.monotonic()
        self._problem_since = {problem: self._problem_since.get(problem, current_time) for problem in problems}
        max_age_s = self._settings.lease_s + self._settings.cancel_grace_s
        for (pid, description), since in self._problem_since.items():
            if current_time - since > max_age_s:
                log.error("a child does not react and is killed", action="child_killed", pid=pid, what=description)
                _send_signal(pid, signal.SIGKILL)

    def _find_problems(self, cancel_requests: Mapping[int, bool]) -> set[tuple[int, str]]:
        """Return the busy children whose attempt is over or cancelled, each with a description."""
        busy = set(self._list_busy_children())
        over = {(pid, "attempt over") for pid in busy - cancel_requests.keys()}
        return over | {(pid, "cancelled") for pid in busy & cancel_requests.keys() if cancel_requests[pid]}


def _send_signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _get_signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
