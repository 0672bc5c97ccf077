"""The positions of waiting jobs in their queues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from models import Job, JobState
from service.jobs.queue_order.fair_order import FairOrder, Turn, load_fair_order
from service.team.session_scope import ACROSS_PROJECTS

_HAS_EQUAL_PRIORITY = Job.priority == bindparam("priority")
_COMES_BEFORE = or_(Job.priority > bindparam("priority"), and_(_HAS_EQUAL_PRIORITY, Job.id < bindparam("first")))


@dataclass(frozen=True)
class QueuePositions:
    """The positions of some waiting jobs.

    Args:
        ahead: for each job, the number of waiting jobs that its queue hands out before it.
        ranks: for each job, the number of those that have the same owner.
        orders: the order of each queue in which one of the jobs has an owner.

    """

    ahead: Mapping[UUID, int] = field(default_factory=dict[UUID, int])
    ranks: Mapping[UUID, int] = field(default_factory=dict[UUID, int])
    orders: Mapping[str, FairOrder] = field(default_factory=dict[str, FairOrder])


def load_positions(session: Session, job_rows: Sequence[Job]) -> QueuePositions:
    """Load the positions of those of the jobs that wait. Jobs of all projects count.

    Jobs without an owner come before all others, so their positions need no other owner's jobs.
    """
    waiting = sorted((job for job in job_rows if job.state is JobState.QUEUED), key=lambda job: job.id)
    ranks = _rank_jobs(session, waiting)
    queues = {job.queue for job in waiting if job.owner_id is not None}
    orders = {queue: load_fair_order(session, queue) for queue in sorted(queues)}
    ahead = dict(ranks)
    for job in waiting:
        if job.owner_id is not None and job.id in ranks:
            ahead[job.id] = orders[job.queue].count_jobs_before(Turn(job.owner_id, ranks[job.id]))
    return QueuePositions(ahead, ranks, orders)


def _rank_jobs(session: Session, waiting: Sequence[Job]) -> dict[UUID, int]:
    """Count, for each of some waiting jobs, those of its owner in its queue that come before it."""
    if len({(job.queue, job.owner_id, job.priority) for job in waiting}) <= 1:
        return _rank_in_one_priority(session, waiting)
    # Number all waiting jobs of all queues: this is one statement, though an expensive one.
    number = func.row_number().over(partition_by=(Job.queue, Job.owner_id), order_by=(Job.priority.desc(), Job.id))
    numbered = select(Job.id, (number - 1).label("rank")).where(Job.state == JobState.QUEUED).subquery()
    query = select(numbered.c.id, numbered.c.rank).where(numbered.c.id.in_(job.id for job in waiting))
    return {row[0]: row[1] for row in session.execute(query, execution_options=ACROSS_PROJECTS)}


def _rank_in_one_priority(session: Session, waiting: Sequence[Job]) -> dict[UUID, int]:
    """Rank jobs with the same queue, owner and priority, sorted by id.

    Only the part of the index before the first of them is counted.
    """
    if not waiting:
        return {}
    first, last = waiting[0], waiting[-1]
    is_owned = first.owner_id is not None
    parameters: dict[str, Any] = {"queue": first.queue, "priority": first.priority, "first": first.id}
    parameters |= {"owner": first.owner_id} if is_owned else {}
    count = _build_count(is_owned=is_owned)
    jobs_ahead = session.scalar(count, parameters, execution_options=ACROSS_PROJECTS) or 0
    if first is last:
        return {first.id: jobs_ahead}
    parameters["last"] = last.id
    ids = session.scalars(_build_range(is_owned=is_owned), parameters, execution_options=ACROSS_PROJECTS)
    ranks = {job_id: jobs_ahead + index for index, job_id in enumerate(ids)}
    return {job.id: ranks[job.id] for job in waiting if job.id in ranks}


# Built once: every submit runs these statements, and building them takes longer than running them.
@cache
def _build_count(*, is_owned: bool) -> Select[int]:
    return select(func.count()).select_from(Job).where(*_build_conditions(is_owned=is_owned), _COMES_BEFORE)


@cache
def _build_range(*, is_owned: bool) -> Select[UUID]:
    is_between = Job.id.between(bindparam("first"), bindparam("last"))
    conditions = (*_build_conditions(is_owned=is_owned), _HAS_EQUAL_PRIORITY, is_between)
    return select(Job.id).where(*conditions).order_by(Job.id)


def _build_conditions(*, is_owned: bool) -> tuple[ColumnElement[bool], ...]:
    has_owner = Job.owner_id == bindparam("owner") if is_owned else Job.owner_id.is_(None)
    return (Job.state == JobState.QUEUED, Job.queue == bindparam("queue"), has_owner)
