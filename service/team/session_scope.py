"""Database sessions that see the objects of some projects only, and know who owns new objects.

The restriction is a condition that SQLAlchemy adds to every statement of the session, also to those that update or
delete. So a query that forgets about projects returns too little, never the objects of others.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import event, or_, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption

from models import DEFAULT_PROJECT_ID, Dataset, Job, JobTag, Sweep
from models.dataset import BUILTIN_MEDIA_TYPE
from service.db.database import SessionFactory
from service.team.principal import Principal

_CRITERIA = "visible_objects"
_OWNERSHIP = "ownership"
_ALL_PROJECTS = "all_projects"


class Ownership(NamedTuple):
    """The project and the owner of new objects; no owner on a server without users."""

    project_id: UUID = DEFAULT_PROJECT_ID
    owner_id: UUID | None = None


_NO_OWNER = Ownership()


def restrict_sessions(sessions: SessionFactory, principal: Principal) -> SessionFactory:
    """Return a factory of sessions in which a principal sees what they may see, and owns what they create."""
    info: dict[Any, Any] = {_OWNERSHIP: Ownership(principal.project_id, principal.user_id)}
    projects = principal.visible_projects
    if projects is not None:
        info[_CRITERIA] = _build_criteria(projects)
    return sessions.with_info(info)


def get_ownership(session: Session) -> Ownership:
    """Return the project and the owner of objects that this session creates."""
    return session.info.get(_OWNERSHIP, _NO_OWNER)


@contextmanager
def act_for(session: Session, ownership: Ownership) -> Generator[None]:
    """Let a session create objects for another owner within the block, such as the jobs of a user's sweep."""
    before = get_ownership(session)
    session.info[_OWNERSHIP] = ownership
    try:
        yield
    finally:
        session.info[_OWNERSHIP] = before


def scope_key(session: Session, key: str) -> str:
    """Return an idempotency key that no other user and no other project can collide with."""
    project_id, owner_id = get_ownership(session)
    return f"{project_id}:{owner_id or ''}:{key}"


def across_projects() -> dict[str, bool]:
    """Return the execution options of a statement that counts the objects of all projects, but shows none of them."""
    return {_ALL_PROJECTS: True}


def _build_criteria(projects: frozenset[UUID]) -> tuple[ORMOption, ...]:
    ids = sorted(projects)
    visible_jobs = select(Job.id).where(Job.project_id.in_(ids))
    conditions = (
        (Job, Job.project_id.in_(ids)),
        (JobTag, JobTag.job_id.in_(visible_jobs)),
        (Sweep, Sweep.project_id.in_(ids)),
        (Dataset, or_(Dataset.project_id.in_(ids), Dataset.media_type == BUILTIN_MEDIA_TYPE)),
    )
    return tuple(with_loader_criteria(table, condition, include_aliases=True) for table, condition in conditions)


@event.listens_for(Session, "do_orm_execute")
def _add_criteria(state: ORMExecuteState) -> None:
    criteria = state.session.info.get(_CRITERIA)
    if criteria is None or state.is_column_load or state.execution_options.get(_ALL_PROJECTS):
        return
    state.statement = state.statement.options(*criteria)
