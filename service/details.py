"""All that there is to tell about jobs, gathered for a whole page in a handful of queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job, JobMetric, JobState, JobTag, Transition
from models.job_owned import JobOwned
from service import jobs, lifecycle
from service import waiting as waits
from service.database import now
from service.waiting import Waiting

Owned = TypeVar("Owned", bound=JobOwned)


@dataclass(frozen=True)
class JobDetails:
    """A job and its belongings; `seconds_left`, `queue_position` and `waiting` are None where they mean nothing."""

    job: Job
    tags: Sequence[str]
    metrics: Sequence[JobMetric]
    transitions: Sequence[Transition]
    queue_position: int | None
    waiting: Waiting | None
    seconds_left: float | None


def gather(session: Session, found: Sequence[Job]) -> list[JobDetails]:
    """The details of jobs, in their order."""
    ids = [job.id for job in found]
    tags = _by_job(session.scalars(select(JobTag).where(JobTag.job_id.in_(ids)).order_by(JobTag.tag)))
    metrics = _by_job(session.scalars(select(JobMetric).where(JobMetric.job_id.in_(ids))))
    steps = select(Transition).where(Transition.job_id.in_(ids)).order_by(Transition.number)
    transitions = _by_job(session.scalars(steps))
    return _told(session, found, tags, metrics, transitions)


def submitted(session: Session, found: Sequence[Job]) -> list[JobDetails]:
    """The details of jobs that nobody has claimed yet: all but why they wait follows from their rows."""
    tags = {job.id: [JobTag(job_id=job.id, tag=tag) for tag in sorted(set(job.spec["tags"]))] for job in found}
    steps = {job.id: [lifecycle.first(job)] for job in found}
    return _told(session, found, tags, {job.id: [] for job in found}, steps)


def _told(
    session: Session,
    found: Sequence[Job],
    tags: Mapping[UUID, Sequence[JobTag]],
    metrics: Mapping[UUID, Sequence[JobMetric]],
    transitions: Mapping[UUID, Sequence[Transition]],
) -> list[JobDetails]:
    positions = jobs.queue_positions(session, found)
    waiting = waits.explain(session, found, positions)
    return [
        JobDetails(
            job=job,
            tags=[row.tag for row in tags[job.id]],
            metrics=metrics[job.id],
            transitions=transitions[job.id],
            queue_position=positions.get(job.id),
            waiting=waiting.get(job.id),
            seconds_left=seconds_left(session, job),
        )
        for job in found
    ]


def seconds_left(session: Session, job: Job) -> float | None:
    """How long a running job still needs, if its epochs go on as they went; None before the first is done."""
    if job.state is not JobState.RUNNING or job.started_at is None or not job.epochs_done:
        return None
    elapsed = (now(session) - job.started_at).total_seconds()
    return elapsed / job.epochs_done * (job.epochs - job.epochs_done)


def _by_job(rows: Iterable[Owned]) -> dict[UUID, list[Owned]]:
    grouped: dict[UUID, list[Owned]] = defaultdict(list)
    for row in rows:
        grouped[row.job_id].append(row)
    return grouped
