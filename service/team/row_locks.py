"""Locks of rows, so that a user or a project is not deleted while a transaction creates something that belongs to it.

PostgreSQL locks the rows until the transaction ends. SQLite has one writer at a time.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import DEFAULT_PROJECT_ID, Project, User, UserRole
from service.errors import NotFound


def keep_project(session: Session, project_id: UUID) -> None:
    """Keep a project from being deleted until the transaction ends. The default project always stays.

    Raises:
        NotFound: the project was deleted meanwhile.

    """
    if project_id == DEFAULT_PROJECT_ID:
        return
    query = select(Project.id).where(Project.id == project_id).with_for_update(read=True, key_share=True)
    if session.scalar(query) is None:
        raise NotFound("project", project_id)


def keep_user(session: Session, user_id: UUID) -> None:
    """Keep a user from being deleted until the transaction ends.

    Raises:
        NotFound: there is no such user.

    """
    query = select(User.id).where(User.id == user_id).with_for_update(read=True, key_share=True)
    if session.scalar(query) is None:
        raise NotFound("user", user_id)


def lock_admins(session: Session) -> None:
    """Let one transaction at a time add, change or delete users, so that two cannot remove the last two admins."""
    session.execute(select(User.id).where(User.role == UserRole.ADMIN).order_by(User.id).with_for_update()).all()
