"""The names of the owners and the projects of objects, loaded once for a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import DEFAULT_PROJECT_ID, DEFAULT_PROJECT_NAME, Dataset, Job, Project, Sweep, User

Owned = Job | Sweep | Dataset


@dataclass(frozen=True)
class OwnershipNames:
    """The names of some users and projects, by their ids."""

    users: Mapping[UUID, str]
    projects: Mapping[UUID, str]

    def get_owner(self, row: Owned) -> str | None:
        """Return the name of the user who created an object; None without one, or if the user was deleted."""
        return None if row.owner_id is None else self.users.get(row.owner_id)

    def get_project(self, row: Owned) -> str:
        """Return the name of the project of an object."""
        return self.projects.get(row.project_id, str(row.project_id))


def load_ownership_names(session: Session, rows: Sequence[Owned]) -> OwnershipNames:
    """Load the names for a page of objects. Those of a server without users need no query."""
    user_ids = {row.owner_id for row in rows if row.owner_id is not None}
    project_ids = {row.project_id for row in rows} - {DEFAULT_PROJECT_ID}
    projects = _load_names(session, Project, project_ids)
    return OwnershipNames(_load_names(session, User, user_ids), projects | {DEFAULT_PROJECT_ID: DEFAULT_PROJECT_NAME})


def _load_names(session: Session, table: type[User | Project], ids: Iterable[UUID]) -> dict[UUID, str]:
    ids = sorted(ids)
    if not ids:
        return {}
    return {row.id: row.name for row in session.execute(select(table.id, table.name).where(table.id.in_(ids)))}
