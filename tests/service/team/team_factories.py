"""Users and their jobs, for tests of fair share, usage and limits."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from models import Job, JobState, User, UserRole
from service.db.database import SessionFactory, get_current_time
from service.db.ids import new_id
from service.jobs import attempts
from service.jobs.attempts import Claim
from service.team.session_scope import Ownership
from tests.factories import submit_job


def add_user(sessions: SessionFactory, name: str, **values: Any) -> UUID:
    """Add a user, and return the id."""
    with sessions.begin() as session:
        user = User(id=new_id(), name=name, role=UserRole.MEMBER, created_at=get_current_time(session), **values)
        session.add(user)
    return user.id


def own_sessions(sessions: SessionFactory, owner_id: UUID | None) -> SessionFactory:
    """Return sessions in which a user owns what they create."""
    return sessions.with_info({"ownership": Ownership(owner_id=owner_id)})


def submit_jobs(sessions: SessionFactory, owner_id: UUID | None, count: int, **changes: Any) -> list[UUID]:
    """Submit jobs of a user, and return their ids in order."""
    first = submit_job(own_sessions(sessions, owner_id), **changes)
    columns = {column.key: getattr(first, column.key) for column in Job.__mapper__.column_attrs}
    ids = [first.id, *sorted(new_id() for _ in range(count - 1))]
    if count > 1:
        with sessions.begin() as session:
            session.execute(insert(Job), [columns | {"id": job_id} for job_id in ids[1:]])
    return ids


def claim_job(sessions: SessionFactory, queue: str = "cpu", lease_s: float = 60.0) -> Claim | None:
    """Claim the next job of the queue, if there is one."""
    with sessions.begin() as session:
        return attempts.claim_job(session, queue=queue, worker="here:8", lease_s=lease_s)


def claim_owners(sessions: SessionFactory, count: int) -> list[UUID | None]:
    """Claim some jobs, and return their owners in order."""
    claims = [claim_job(sessions) for _ in range(count)]
    with sessions.read() as session:
        owners: dict[UUID, UUID | None] = {row[0]: row[1] for row in session.execute(select(Job.id, Job.owner_id))}
    return [None if claim is None else owners[claim.job_id] for claim in claims]


def list_jobs(sessions: SessionFactory, state: JobState) -> Sequence[Job]:
    """Return the jobs in a state."""
    with sessions.read() as session:
        return session.scalars(select(Job).where(Job.state == state).order_by(Job.id)).all()


def get_user(sessions: SessionFactory, user_id: UUID) -> User:
    """Return a user as it is now."""
    with sessions.read() as session:
        return session.get_one(User, user_id)
