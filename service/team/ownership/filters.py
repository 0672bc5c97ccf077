"""Conditions of a list on the owner and the project of its objects."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from models import Dataset, Job, Project, Sweep, User
from models.team import NO_USER_ID

UNKNOWN_ID = UUID(int=2**128 - 1)
"""The id of no user and no project, so that it matches no object."""


@dataclass(frozen=True)
class OwnershipFilter:
    """Conditions on the owner and the project of objects; one that is None accepts every object.

    The owner `NO_USER_ID` stands for objects without an owner.
    """

    owner_id: UUID | None = None
    project_id: UUID | None = None

    def build_conditions(self, table: type[Job | Sweep | Dataset]) -> list[ColumnElement[bool]]:
        """Return the conditions on the rows of a table."""
        conditions: list[ColumnElement[bool]] = []
        if self.owner_id == NO_USER_ID:
            conditions.append(table.owner_id.is_(None))
        elif self.owner_id is not None:
            conditions.append(table.owner_id == self.owner_id)
        if self.project_id is not None:
            conditions.append(table.project_id == self.project_id)
        return conditions


ANY_OWNERSHIP = OwnershipFilter()


def load_user_id(session: Session, reference: str) -> UUID:
    """Return the id of the user with this name or id; `UNKNOWN_ID` if there is none.

    So a list for an unknown user is empty, and does not reveal which users exist. A user who was deleted may still own
    objects, so that an id is not looked up.
    """
    return parse_id(reference) or session.scalar(select(User.id).where(User.name == reference)) or UNKNOWN_ID


def load_project_id(session: Session, reference: str) -> UUID:
    """Return the id of the project with this name or id; `UNKNOWN_ID` if there is none, as for a user."""
    return parse_id(reference) or session.scalar(select(Project.id).where(Project.name == reference)) or UNKNOWN_ID


def parse_id(text: str) -> UUID | None:
    """Return the id that a text is; None for a name."""
    try:
        return UUID(text)
    except ValueError:
        return None
