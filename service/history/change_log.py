"""The changes of jobs since a time: transitions, and changes that no transition records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, false, literal, select, union_all
from sqlalchemy.orm import Session

from models import JobChange, Transition
from service.db.database import get_current_time, upsert_rows

_LIFETIME = timedelta(hours=1)
"""How long a change without a transition is kept. Readers of changes read them every second."""


@dataclass(frozen=True)
class LoggedChange:
    """A change of a job; `number` is that of the transition, or 0."""

    job_id: UUID
    at: datetime
    number: int
    deleted: bool


def record_changes(session: Session, job_ids: Sequence[UUID], *, deleted: bool = False) -> None:
    """Record that jobs changed without a transition, or were deleted. The caller has locked their rows."""
    if job_ids:
        timestamp = get_current_time(session)
        rows = [{"job_id": job_id, "changed_at": timestamp, "deleted": deleted} for job_id in sorted(job_ids)]
        upsert_rows(session, JobChange, rows)


def load_changes(session: Session, since: datetime, *, limit: int) -> list[LoggedChange]:
    """Load the changes of all jobs since a time, in any order; at most `limit` of them."""
    transitions = select(Transition.job_id, Transition.at, Transition.number, false()).where(Transition.at >= since)
    others = select(JobChange.job_id, JobChange.changed_at, literal(0), JobChange.deleted).where(
        JobChange.changed_at >= since
    )
    rows = session.execute(union_all(transitions, others).limit(limit))
    return [LoggedChange(job_id, at, number, bool(deleted)) for job_id, at, number, deleted in rows]


def delete_old_changes(session: Session) -> None:
    """Delete the changes without a transition that every reader has read."""
    session.execute(delete(JobChange).where(JobChange.changed_at < get_current_time(session) - _LIFETIME))
