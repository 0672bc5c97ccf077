"""The read model of jobs: everything that the API returns about them, loaded for a whole page in a few queries."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Checkpoint, Job, JobMetric, JobState, JobTag, Transition
from models.job_owned import JobOwned
from service.db.database import get_current_time
from service.jobs import estimates, lifecycle, wait_reasons
from service.jobs.estimates import PrecedingJob, QueueForecast
from service.jobs.queue_order.fair_order import FairOrder
from service.jobs.queue_order.positions import QueuePositions, load_positions
from service.jobs.wait_reasons import WaitReason
from service.queue import worker_registry
from service.team.ownership.names import load_ownership_names
from service.team.session_scope import can_see_project

Owned = TypeVar("Owned", bound=JobOwned)

_MAX_PRECEDING_JOBS = 20
"""The largest number of jobs that `JobDetails.before` names."""


@dataclass(frozen=True)
class JobDetails:
    """A job and its related rows; a field is None if it does not apply to the job's state, or is not known.

    `owner` and `project` are names. `before` are the running jobs of the job's queue and the first waiting ones, as
    far as they precede this job and the session sees them. `hidden_before` is the number of those that it does not
    see. Both are None if they were not loaded.
    """

    job: Job
    owner: str | None
    project: str
    tags: Sequence[str]
    metrics: Sequence[JobMetric]
    transitions: Sequence[Transition]
    checkpoint: Checkpoint | None
    queue_position: int | None
    before: Sequence[PrecedingJob] | None
    hidden_before: int | None
    estimated_start: datetime | None
    waiting: WaitReason | None
    seconds_left: float | None


@dataclass(frozen=True)
class _RelatedRows:
    """The related rows of jobs, by the ids of the jobs."""

    tags: Mapping[UUID, Sequence[JobTag]]
    metrics: Mapping[UUID, Sequence[JobMetric]]
    transitions: Mapping[UUID, Sequence[Transition]]
    checkpoints: Mapping[UUID, Checkpoint]


def load_job_details(session: Session, job_rows: Sequence[Job]) -> list[JobDetails]:
    """Load the details of jobs, in the order of the jobs."""
    ids = [job.id for job in job_rows]
    transitions = select(Transition).where(Transition.job_id.in_(ids)).order_by(Transition.number)
    checkpoints = select(Checkpoint).where(Checkpoint.job_id.in_(ids))
    related = _RelatedRows(
        tags=_load_tags(session, job_rows),
        metrics=_load_metrics(session, job_rows),
        transitions=_group_by_job(session.scalars(transitions)),
        checkpoints={row.job_id: row for row in session.scalars(checkpoints)},
    )
    positions = load_positions(session, job_rows)
    return _assemble_details(session, job_rows, related, positions, _forecast_queues(session, job_rows, positions))


def load_listed_job_details(session: Session, job_rows: Sequence[Job]) -> list[JobDetails]:
    """Load the details that a list shows, without transitions and checkpoints."""
    positions = load_positions(session, job_rows)
    related = _RelatedRows(
        tags=_load_tags(session, job_rows),
        metrics=_load_metrics(session, job_rows),
        transitions=defaultdict(list),
        checkpoints={},
    )
    return _assemble_details(session, job_rows, related, positions, _forecast_queues(session, job_rows, positions))


def load_submitted_job_details(session: Session, job_rows: Sequence[Job]) -> list[JobDetails]:
    """Load the details of jobs that no worker has claimed yet: all but the reason to wait follows from their rows.

    The preceding jobs and the estimated start are left out, because a client that submits does not wait for them.
    """
    related = _RelatedRows(
        tags={job.id: [JobTag(job_id=job.id, tag=tag) for tag in sorted(set(job.spec["tags"]))] for job in job_rows},
        metrics={job.id: [] for job in job_rows},
        transitions={job.id: [lifecycle.build_first_transition(job)] for job in job_rows},
        checkpoints={},
    )
    return _assemble_details(session, job_rows, related, load_positions(session, job_rows), {})


def _load_tags(session: Session, job_rows: Sequence[Job]) -> dict[UUID, list[JobTag]]:
    query = select(JobTag).where(JobTag.job_id.in_([job.id for job in job_rows]))
    return _group_by_job(session.scalars(query.order_by(JobTag.tag)))


def _load_metrics(session: Session, job_rows: Sequence[Job]) -> dict[UUID, list[JobMetric]]:
    return _group_by_job(session.scalars(select(JobMetric).where(JobMetric.job_id.in_([job.id for job in job_rows]))))


def _assemble_details(
    session: Session,
    job_rows: Sequence[Job],
    related: _RelatedRows,
    positions: QueuePositions,
    forecasts: Mapping[str, QueueForecast],
) -> list[JobDetails]:
    reasons = wait_reasons.load_wait_reasons(session, job_rows, positions)
    seconds_left = _estimate_seconds_left(session, job_rows)
    names = load_ownership_names(session, job_rows)
    return [
        JobDetails(
            job=job,
            owner=names.get_owner(job),
            project=names.get_project(job),
            tags=[row.tag for row in related.tags[job.id]],
            metrics=related.metrics[job.id],
            transitions=related.transitions[job.id],
            checkpoint=related.checkpoints.get(job.id),
            queue_position=positions.ahead.get(job.id),
            **_split_preceding_jobs(session, _list_preceding_jobs(job, positions, forecasts)),
            estimated_start=_estimate_start(job, positions, forecasts),
            waiting=reasons.get(job.id),
            seconds_left=seconds_left.get(job.id),
        )
        for job in job_rows
    ]


def _estimate_seconds_left(session: Session, job_rows: Sequence[Job]) -> dict[UUID, float | None]:
    running = [job for job in job_rows if job.state is JobState.RUNNING]
    if not running:
        return {}
    timestamp = get_current_time(session)
    return {job.id: estimates.estimate_seconds_left(job, timestamp) for job in running}


def _forecast_queues(session: Session, job_rows: Sequence[Job], positions: QueuePositions) -> dict[str, QueueForecast]:
    """Forecast each queue in which one of the jobs waits, up to the last of them."""
    last_positions: dict[str, int] = {}
    for job in job_rows:
        if job.id in positions.ahead:
            last_positions[job.queue] = max(last_positions.get(job.queue, 0), positions.ahead[job.id])
    slots = worker_registry.count_slots_by_queue(session) if last_positions else {}
    return {
        queue: estimates.forecast_queue(
            session, queue, slots.get(queue, 0), last_position, _get_turns(positions.orders.get(queue))
        )
        for queue, last_position in last_positions.items()
    }


def _get_turns(order: FairOrder | None) -> Callable[[int], Sequence[UUID | None]] | None:
    return None if order is None else order.list_owners


def _split_preceding_jobs(session: Session, jobs: Sequence[PrecedingJob] | None) -> dict[str, Any]:
    """Return the fields of `JobDetails` for the jobs before another one, of which the session may show some."""
    if jobs is None:
        return {"before": None, "hidden_before": None}
    visible = [job for job in jobs if can_see_project(session, job.project_id)]
    return {"before": visible, "hidden_before": len(jobs) - len(visible)}


def _list_preceding_jobs(
    job: Job, positions: QueuePositions, forecasts: Mapping[str, QueueForecast]
) -> Sequence[PrecedingJob] | None:
    if job.id not in positions.ahead or job.queue not in forecasts:
        return None
    return forecasts[job.queue].list_preceding_jobs(positions.ahead[job.id])[:_MAX_PRECEDING_JOBS]


def _estimate_start(job: Job, positions: QueuePositions, forecasts: Mapping[str, QueueForecast]) -> datetime | None:
    if job.id not in positions.ahead or job.queue not in forecasts:
        return None
    seconds = forecasts[job.queue].estimate_start_delay(positions.ahead[job.id])
    return None if seconds is None else forecasts[job.queue].timestamp + timedelta(seconds=seconds)


def _group_by_job(rows: Iterable[Owned]) -> dict[UUID, list[Owned]]:
    grouped: dict[UUID, list[Owned]] = defaultdict(list)
    for row in rows:
        grouped[row.job_id].append(row)
    return grouped
