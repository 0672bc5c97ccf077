"""Database sessions that see the objects of some projects only, and know who owns new objects.

The restriction is a condition that SQLAlchemy adds to every statement of the session, also to those that update or
delete. So a query that forgets about projects returns too little, never the objects of others.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, event, exists, inspect, or_
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.interfaces import ORMOption

from models import DEFAULT_PROJECT_ID, Dataset, Job, JobMetric, JobTag, Sweep
from models.dataset import BUILTIN_MEDIA_TYPE
from service.db.database import SessionFactory
from service.team.audit.recording import audit_sessions
from service.team.principal import Principal

_PROJECTS = "visible_projects"
_OWNERSHIP = "ownership"
_ALL_PROJECTS = "all_projects"
ACROSS_PROJECTS = {_ALL_PROJECTS: True}
"""The execution options of a statement that counts the objects of all projects, but shows none of them."""
_MAX_CACHED_CRITERIA = 256

_owning_jobs = inspect(Job).local_table.alias("owning_jobs")
"""The jobs that rows of other tables belong to; the alias keeps the table apart from that of the statement."""


class Ownership(NamedTuple):
    """The project and the owner of new objects; no owner on a server without users."""

    project_id: UUID = DEFAULT_PROJECT_ID
    owner_id: UUID | None = None


_NO_OWNER = Ownership()


def restrict_sessions(sessions: SessionFactory, principal: Principal) -> SessionFactory:
    """Return a factory of sessions in which a principal sees what they may see, and owns what they create.

    Their writes are recorded in the audit if the principal has a request for it.
    """
    info: dict[Any, Any] = {_OWNERSHIP: Ownership(principal.project_id, principal.user_id)}
    projects = principal.visible_projects
    if projects is not None:
        info[_PROJECTS] = projects
    return audit_sessions(sessions.with_info(info), principal.audit)


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


def can_see_project(session: Session, project_id: UUID) -> bool:
    """Return whether the session may show the objects of a project, which a statement has loaded across projects."""
    projects = session.info.get(_PROJECTS)
    return projects is None or project_id in projects


@lru_cache(_MAX_CACHED_CRITERIA)
def _build_criteria(projects: frozenset[UUID]) -> Sequence[ORMOption]:
    """Return the conditions on the objects of these projects; each function gets a mapped class, or an alias of it."""
    ids = sorted(projects)
    return (
        with_loader_criteria(Job, lambda job: job.project_id.in_(ids), include_aliases=True),
        with_loader_criteria(JobTag, lambda tag: _belongs_to_job(tag.job_id, ids), include_aliases=True),
        with_loader_criteria(JobMetric, lambda metric: _belongs_to_job(metric.job_id, ids), include_aliases=True),
        with_loader_criteria(Sweep, lambda sweep: sweep.project_id.in_(ids), include_aliases=True),
        with_loader_criteria(
            Dataset,
            lambda dataset: or_(dataset.project_id.in_(ids), dataset.media_type == BUILTIN_MEDIA_TYPE),
            include_aliases=True,
        ),
    )


def _belongs_to_job(job_id: ColumnElement[UUID], project_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Return the condition that a row belongs to a job of one of the projects.

    It looks up one job for each row that a statement reads, so that an index of these rows still gives their order.
    """
    return exists().where(_owning_jobs.c.id == job_id, _owning_jobs.c.project_id.in_(project_ids))


@event.listens_for(Session, "do_orm_execute")
def _add_criteria(state: ORMExecuteState) -> None:
    projects = state.session.info.get(_PROJECTS)
    if projects is None or state.is_column_load or state.execution_options.get(_ALL_PROJECTS):
        return
    state.statement = state.statement.options(*_build_criteria(projects))
