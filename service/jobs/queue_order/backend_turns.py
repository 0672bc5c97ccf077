"""The turns of the two backends in a queue: when a process takes jobs of its backend, and when it makes way.

A process has one backend for life. While the next job of its queue needs the other one, the process may take jobs of
its own backend that have the same owner and the same priority, for a limited time. Then, or if there is no such job,
another process replaces it, unless a free process of the other backend is about to take that job.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, bindparam, func, select
from sqlalchemy.orm import Session

from models import Backend, Job, JobState
from service.jobs.queue_order.next_job import select_waiting_jobs
from service.queue import child_registry, worker_registry
from service.queue.child_registry import ChildProcess, FreeChildren
from service.team import fair_share
from service.team.session_scope import ACROSS_PROJECTS

_MAX_EXAMINED_JOBS = 100
"""The number of jobs of an owner by which a new process chooses its backend."""


class Turn(Enum):
    """What a process does that looks for a job."""

    TAKE = auto()
    """It takes the first job of its own backend, if there is one."""
    LEAVE = auto()
    """It leaves the next job to a free process of the other backend, and takes one of its own backend, if any."""
    SWITCH = auto()
    """It makes way for a process of the other backend."""


@dataclass(frozen=True)
class OtherJob:
    """The next job of a queue, which needs the other backend, as a process sees it.

    Args:
        passed_s: seconds since this process first saw the job as the next one.
        has_equal: whether a job of the process's own backend has the same owner and the same priority.
        waiting: number of waiting jobs that need the other backend; it may stop at one more than `free`.
        free: number of free processes of the other backend, including those that are loading it.

    """

    passed_s: float
    has_equal: bool
    waiting: int
    free: int


def choose_turn(job: OtherJob, batch_s: float) -> Turn:
    """Return what a process does while the next job needs the other backend.

    No job is passed over for long: after `batch_s` seconds, or twice as many while another process is about to take
    the job, every process that looks for a job makes way for it.
    """
    if job.passed_s >= (2 * batch_s if job.free else batch_s):
        return Turn.SWITCH
    if job.has_equal:
        return Turn.TAKE
    return Turn.LEAVE if job.free >= job.waiting else Turn.SWITCH


def choose_first_backend(waiting: Iterable[Backend], free: Mapping[Backend, FreeChildren], idle: Backend) -> Backend:
    """Return the backend that a new process loads: that of the first job which no free process can take.

    Args:
        waiting: the backends of the waiting jobs, in their order.
        free: the free processes of each backend.
        idle: the backend if there is no such job.

    """
    remaining = {backend: children.total for backend, children in free.items()}
    for backend in waiting:
        if not remaining.get(backend):
            return backend
        remaining[backend] -= 1
    return idle


@dataclass(frozen=True)
class Outlook:
    """The turn of a process. `other_job` is the next job if it needs the other backend.

    `can_wake` says that a process of that backend is ready to take it.
    """

    turn: Turn
    other_job: UUID | None = None
    can_wake: bool = False


class BackendTurns:
    """Chooses the turns of one process.

    Args:
        child: the process.
        backend: its backend.
        batch_s: seconds for which it passes over a job of the other backend.
        read_clock: returns the current time in seconds.

    """

    def __init__(
        self,
        child: ChildProcess,
        backend: Backend,
        batch_s: float,
        read_clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.child = child
        self.backend = backend
        self._other_backend = next(other for other in Backend if other is not backend)
        self._batch_s = batch_s
        self._read_clock = read_clock
        self._first_seen: dict[UUID | None, tuple[UUID, float]] = {}
        """For each owner, their next job if it needs the other backend, and the time when it was first seen."""

    def load_outlook(self, session: Session, queue: str) -> Outlook:
        """Return the turn of the process, which looks for a job of a queue. A worker that drains replaces none."""
        if _count_waiting(session, queue, self._other_backend, limit=1) == 0:
            return Outlook(Turn.TAKE)
        if not worker_registry.can_take_jobs(session, self.child.worker_id):
            return Outlook(Turn.TAKE)
        owner_id = _find_next_owner(session, queue)
        next_job = _find_first_job(session, queue, owner_id)
        if next_job is None or next_job.backend is self.backend:
            return Outlook(Turn.TAKE)
        free = child_registry.count_free_children(session, queue, self.child.worker_id)[self._other_backend]
        own = _find_first_job(session, queue, owner_id, Job.backend == self.backend)
        other_job = OtherJob(
            passed_s=self._measure_passed_time(owner_id, next_job.id),
            has_equal=own is not None and own.priority == next_job.priority,
            waiting=_count_waiting(session, queue, self._other_backend, limit=free.total + 1),
            free=free.total,
        )
        return Outlook(choose_turn(other_job, self._batch_s), next_job.id, can_wake=free.ready > 0)

    def record_replacement(self, session: Session) -> None:
        """Record that a process of the other backend is about to replace this one."""
        child_registry.record_child(session, self.child, self._other_backend, ready=False)

    def _measure_passed_time(self, owner_id: UUID | None, job_id: UUID) -> float:
        current_time = self._read_clock()
        known_id, since = self._first_seen.get(owner_id, (None, current_time))
        since = since if known_id == job_id else current_time
        self._first_seen[owner_id] = (job_id, since)
        return current_time - since


def list_waiting_backends(session: Session, queue: str) -> list[Backend]:
    """Return the backends of the first waiting jobs: those of each owner, the next owner first."""
    users = fair_share.rank_owners(fair_share.load_waiting_owners(session, queue))
    backends: list[Backend] = []
    for owner_id in (None, *(user.owner_id for user in users)):
        query = select_waiting_jobs(queue, owner_id).limit(_MAX_EXAMINED_JOBS)
        backends += [row.backend for row in session.execute(query, execution_options=ACROSS_PROJECTS)]
    return backends


def _find_next_owner(session: Session, queue: str) -> UUID | None:
    """Return the owner of the next job; None if that job has no owner, or if no owner may run another job."""
    if _find_first_job(session, queue, None) is not None:
        return None
    users = fair_share.rank_owners(fair_share.load_waiting_owners(session, queue))
    return users[0].owner_id if users else None


def _find_first_job(session: Session, queue: str, owner_id: UUID | None, *conditions: ColumnElement[bool]) -> Any:
    query = select_waiting_jobs(queue, owner_id, *conditions).limit(1)
    return session.execute(query, execution_options=ACROSS_PROJECTS).one_or_none()


def _count_waiting(session: Session, queue: str, backend: Backend, *, limit: int) -> int:
    parameters = {"queue": queue, "backend": backend, "max_jobs": limit}
    return session.scalar(_COUNT_WAITING, parameters, execution_options=ACROSS_PROJECTS) or 0


# Built once: each claim runs this statement, and building it takes longer than running it.
_COUNT_WAITING = select(func.count()).select_from(
    select(Job.id)
    .where(Job.state == JobState.QUEUED, Job.queue == bindparam("queue"), Job.backend == bindparam("backend"))
    .limit(bindparam("max_jobs", type_=Integer))
    .subquery()
)
