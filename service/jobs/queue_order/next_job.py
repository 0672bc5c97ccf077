"""The choice of the job that a queue hands out next."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from models import Backend, Job, JobState
from service.team import fair_share


def lock_next_job(
    session: Session, queue: str, architectures: Collection[str], backend: Backend | None = None
) -> UUID | None:
    """Lock the next job: one without an owner, else one of the first user in the order of fair share that has one.

    Args:
        session: in a transaction that may write. The job is locked until it ends.
        queue: the queue to take a job from.
        architectures: keys of architectures whose jobs come first within their priority.
        backend: the backend of the job; None is any of them.

    """
    job_id = _lock_first_job(session, queue, None, architectures, backend)
    if job_id is not None:
        return job_id
    for owner in fair_share.lock_next_owners(session, queue):
        job_id = _lock_first_job(session, queue, owner.owner_id, architectures, backend)
        if job_id is not None:
            return job_id
    return None


def select_waiting_jobs(
    queue: str, owner_id: UUID | None, *conditions: ColumnElement[bool]
) -> Select[UUID, int, str | None, Backend]:
    """Return the query for the waiting jobs of an owner, None for those without one: by priority, then by age."""
    # `==` with None is IS NULL. PostgreSQL does not know that such a column is constant: with it, the order is that of
    # the index.
    waiting = (Job.state == JobState.QUEUED, Job.queue == queue, Job.owner_id == owner_id, *conditions)
    order = (Job.owner_id, Job.priority.desc(), Job.id)
    return select(Job.id, Job.priority, Job.architecture, Job.backend).where(*waiting).order_by(*order)


def _lock_first_job(
    session: Session, queue: str, owner_id: UUID | None, architectures: Collection[str], backend: Backend | None
) -> UUID | None:
    """Lock the first waiting job of an owner: by priority, then by the given architectures, then by age."""
    conditions = () if backend is None else (Job.backend == backend,)
    query = select_waiting_jobs(queue, owner_id, *conditions)
    first = session.execute(query.limit(1).with_for_update(skip_locked=True)).one_or_none()
    if first is None or not architectures or first.architecture in architectures:
        return None if first is None else first.id
    similar = query.where(Job.priority == first.priority, Job.architecture.in_(architectures))
    return session.scalar(similar.limit(1).with_for_update(skip_locked=True)) or first.id
