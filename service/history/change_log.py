"""The changes of jobs since a time: transitions, and changes that no transition records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, false, literal, null, select, type_coerce, union_all
from sqlalchemy.orm import Session

from models import Job, JobChange, Transition
from service.db.database import get_current_time, upsert_rows

_LIFETIME = timedelta(hours=1)
"""How long a change without a transition is kept. Readers of changes read them every second."""


@dataclass(frozen=True)
class LoggedChange:
    """A change of a job; `number` is that of the transition, or 0. `project_id` is known if the job was deleted."""

    job_id: UUID
    at: datetime
    number: int
    deleted: bool
    project_id: UUID | None = None


def record_changes(session: Session, job_ids: Sequence[UUID], *, deleted: bool = False) -> None:
    """Record that jobs changed without a transition, or are about to be deleted. The caller has locked their rows."""
    if job_ids:
        timestamp = get_current_time(session)
        query = select(Job.id, Job.project_id).where(Job.id.in_(job_ids)).order_by(Job.id)
        rows = [
            {"job_id": row.id, "project_id": row.project_id, "changed_at": timestamp, "deleted": deleted}
            for row in session.execute(query)
        ]
        upsert_rows(session, JobChange, rows)


def load_changes(session: Session, since: datetime, *, limit: int) -> list[LoggedChange]:
    """Load the changes of all jobs since a time, in any order; at most `limit` of them."""
    no_project = type_coerce(null(), JobChange.project_id.type)  # the first part of a union gives the types
    columns = (Transition.job_id, Transition.at, Transition.number, false(), no_project)
    transitions = select(*columns).where(Transition.at >= since)
    others = select(JobChange.job_id, JobChange.changed_at, literal(0), JobChange.deleted, JobChange.project_id).where(
        JobChange.changed_at >= since
    )
    rows = session.execute(union_all(transitions, others).limit(limit))
    return [
        LoggedChange(job_id, at, number, bool(deleted), project_id if deleted else None)
        for job_id, at, number, deleted, project_id in rows
    ]


def delete_old_changes(session: Session) -> None:
    """Delete the changes without a transition that every reader has read."""
    session.execute(delete(JobChange).where(JobChange.changed_at < get_current_time(session) - _LIFETIME))
