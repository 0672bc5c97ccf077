"""All that there is to tell about jobs, gathered for a whole page in a handful of queries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Checkpoint, Job, JobMetric, JobState, JobTag, Transition
from models.job_owned import JobOwned
from service.db.database import now
from service.jobs import estimates, jobs, lifecycle
from service.jobs import wait_reasons as waits
from service.jobs.estimates import Ahead, Forecast
from service.jobs.wait_reasons import Waiting
from service.queue import worker_registry

Owned = TypeVar("Owned", bound=JobOwned)

_BEFORE = 20
"""As many jobs are named that run before another."""


@dataclass(frozen=True)
class JobDetails:
    """A job and its belongings; what is None means nothing in its state, or is not known.

    `before` are the jobs that run on its queue and the first that wait in it, as far as they come before this one;
    None where it was not looked for.
    """

    job: Job
    tags: Sequence[str]
    metrics: Sequence[JobMetric]
    transitions: Sequence[Transition]
    checkpoint: Checkpoint | None
    queue_position: int | None
    before: Sequence[Ahead] | None
    estimated_start: datetime | None
    waiting: Waiting | None
    seconds_left: float | None


@dataclass(frozen=True)
class _Belongings:
    """What belongs to jobs, by their ids."""

    tags: Mapping[UUID, Sequence[JobTag]]
    metrics: Mapping[UUID, Sequence[JobMetric]]
    transitions: Mapping[UUID, Sequence[Transition]]
    checkpoints: Mapping[UUID, Checkpoint]


def gather(session: Session, found: Sequence[Job]) -> list[JobDetails]:
    """The details of jobs, in their order."""
    ids = [job.id for job in found]
    steps = select(Transition).where(Transition.job_id.in_(ids)).order_by(Transition.number)
    belongings = _Belongings(
        tags=_by_job(session.scalars(select(JobTag).where(JobTag.job_id.in_(ids)).order_by(JobTag.tag))),
        metrics=_by_job(session.scalars(select(JobMetric).where(JobMetric.job_id.in_(ids)))),
        transitions=_by_job(session.scalars(steps)),
        checkpoints={row.job_id: row for row in session.scalars(select(Checkpoint).where(Checkpoint.job_id.in_(ids)))},
    )
    positions = jobs.queue_positions(session, found)
    return _told(session, found, belongings, positions, _forecasts(session, found, positions))


def submitted(session: Session, found: Sequence[Job]) -> list[JobDetails]:
    """The details of jobs that nobody has claimed yet: all but why they wait follows from their rows.

    What runs before them and when they will start is not said, for whoever submits does not wait to hear it.
    """
    belongings = _Belongings(
        tags={job.id: [JobTag(job_id=job.id, tag=tag) for tag in sorted(set(job.spec["tags"]))] for job in found},
        metrics={job.id: [] for job in found},
        transitions={job.id: [lifecycle.first(job)] for job in found},
        checkpoints={},
    )
    return _told(session, found, belongings, jobs.queue_positions(session, found), {})


def _told(
    session: Session,
    found: Sequence[Job],
    belongings: _Belongings,
    positions: Mapping[UUID, int],
    forecasts: Mapping[str, Forecast],
) -> list[JobDetails]:
    waiting = waits.explain(session, found, positions)
    left = _seconds_left(session, found)
    return [
        JobDetails(
            job=job,
            tags=[row.tag for row in belongings.tags[job.id]],
            metrics=belongings.metrics[job.id],
            transitions=belongings.transitions[job.id],
            checkpoint=belongings.checkpoints.get(job.id),
            queue_position=positions.get(job.id),
            before=_before(job, positions, forecasts),
            estimated_start=_estimated_start(job, positions, forecasts),
            waiting=waiting.get(job.id),
            seconds_left=left.get(job.id),
        )
        for job in found
    ]


def _seconds_left(session: Session, found: Sequence[Job]) -> dict[UUID, float | None]:
    running = [job for job in found if job.state is JobState.RUNNING]
    if not running:
        return {}
    moment = now(session)
    return {job.id: estimates.seconds_left(job, moment) for job in running}


def _forecasts(session: Session, found: Sequence[Job], positions: Mapping[UUID, int]) -> dict[str, Forecast]:
    """What each queue will do in which one of the jobs waits."""
    last: dict[str, int] = {}
    for job in found:
        if job.id in positions:
            last[job.queue] = max(last.get(job.queue, 0), positions[job.id])
    places = worker_registry.places(session) if last else {}
    return {queue: estimates.forecast(session, queue, places.get(queue, 0), end) for queue, end in last.items()}


def _before(job: Job, positions: Mapping[UUID, int], forecasts: Mapping[str, Forecast]) -> Sequence[Ahead] | None:
    known = job.id in positions and job.queue in forecasts
    return forecasts[job.queue].before(positions[job.id])[:_BEFORE] if known else None


def _estimated_start(job: Job, positions: Mapping[UUID, int], forecasts: Mapping[str, Forecast]) -> datetime | None:
    if job.id not in positions or job.queue not in forecasts:
        return None
    seconds = forecasts[job.queue].start(positions[job.id])
    return None if seconds is None else forecasts[job.queue].moment + timedelta(seconds=seconds)


def _by_job(rows: Iterable[Owned]) -> dict[UUID, list[Owned]]:
    grouped: dict[UUID, list[Owned]] = defaultdict(list)
    for row in rows:
        grouped[row.job_id].append(row)
    return grouped
