"""How busy the workers were, from the transitions of their jobs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from models import Job, JobState, Transition, Worker
from service.db.database import get_current_time
from service.team.session_scope import ACROSS_PROJECTS

_INTERVALS = 60
_MAX_WORKERS = 200
_MAX_ATTEMPTS = 20_000
"""Maximum number of attempts, the latest, from which the usage is computed."""


@dataclass(frozen=True)
class WorkerUsage:
    """The share of a worker's slots that ran jobs, from 0 to 1, in each interval; None before the worker started."""

    worker: Worker
    busy: Sequence[float | None]


@dataclass(frozen=True)
class Usage:
    """The usage of workers from `start` to `end`, in intervals of equal length, the latest started worker first."""

    start: datetime
    end: datetime
    interval_s: float
    workers: Sequence[WorkerUsage]


class _Attempt(NamedTuple):
    worker_id: UUID
    start: datetime
    end: datetime


def load_usage(session: Session, minutes: int) -> Usage:
    """Load the usage of the listed workers in the last minutes."""
    end = get_current_time(session)
    start, interval = end - timedelta(minutes=minutes), timedelta(minutes=minutes) / _INTERVALS
    workers = session.scalars(select(Worker).order_by(Worker.id.desc()).limit(_MAX_WORKERS)).all()
    busy: dict[UUID, list[float]] = {worker.id: [0.0] * _INTERVALS for worker in workers}
    for attempt in [*_load_ended_attempts(session, start), *_load_running_attempts(session, end)]:
        if attempt.worker_id in busy:
            _add_attempt(busy[attempt.worker_id], (attempt.start - start) / interval, (attempt.end - start) / interval)
    usages = [_build_usage(worker, busy[worker.id], (worker.started_at - start) / interval) for worker in workers]
    return Usage(start, end, interval.total_seconds(), usages)


def _load_ended_attempts(session: Session, since: datetime) -> Iterable[_Attempt]:
    """Load the attempts that ended since a time. The transition before the one that ended an attempt started it."""
    first, last = aliased(Transition), aliased(Transition)
    worker_id = func.coalesce(first.worker_id, Job.worker_id, type_=Transition.worker_id.type)
    query = (
        select(worker_id, first.at, last.at)
        .join(first, (first.job_id == last.job_id) & (first.number == last.number - 1))
        .join(Job, Job.id == last.job_id)
        .where(last.at >= since, last.from_state == JobState.RUNNING)
        .order_by(last.at.desc())
        .limit(_MAX_ATTEMPTS)
        .execution_options(**ACROSS_PROJECTS)
    )
    return _build_attempts(session.execute(query))


def _load_running_attempts(session: Session, now: datetime) -> Iterable[_Attempt]:
    query = select(Job.worker_id, Job.started_at).where(Job.state == JobState.RUNNING)
    rows = session.execute(query.execution_options(**ACROSS_PROJECTS))
    return _build_attempts((worker_id, started_at or now, now) for worker_id, started_at in rows)


def _build_attempts(rows: Iterable[Any]) -> Iterable[_Attempt]:
    return (_Attempt(worker_id, start, end) for worker_id, start, end in rows if worker_id is not None)


def _add_attempt(busy: list[float], start: float, end: float) -> None:
    """Add the time of an attempt to the intervals that it overlaps; times are in intervals."""
    for index in range(max(0, int(start)), min(len(busy), int(end) + 1)):
        busy[index] += max(0.0, min(end, index + 1) - max(start, index))


def _build_usage(worker: Worker, busy: Sequence[float], started_at: float) -> WorkerUsage:
    shares = [
        None if index + 1 <= started_at else min(1.0, slots / worker.concurrency) for index, slots in enumerate(busy)
    ]
    return WorkerUsage(worker, shares)
