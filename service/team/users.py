"""Users: add, find, list, change and delete them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import DEFAULT_PROJECT_ID, TERMINAL_STATES, Job, Membership, ProjectRole, TokenScope, User, UserRole
from service.db import pagination
from service.db.database import get_current_time
from service.db.ids import new_id
from service.db.pagination import Page
from service.errors import Conflict, NotFound
from service.team.row_locks import lock_admins
from service.team.tokens import IssuedToken, TokenRequest, issue_token

_FIRST_TOKEN_NAME = "first token"  # noqa: S105  the name of a token, not a secret


def add_user(session: Session, name: str, role: UserRole, values: Mapping[str, Any]) -> tuple[User, IssuedToken]:
    """Add a user with a first token. The first user makes the server a team's server, and must be an admin.

    A user is an editor of the default project at first.

    Args:
        session: in a transaction that may write.
        name: the name, which no other user has.
        role: the role on the server.
        values: further columns, such as `shares` and `max_running`.

    Raises:
        Conflict: another user has the name or the identity, or the first user is no admin.

    """
    user = insert_user(session, name, role, values)
    return user, issue_token(session, user.id, TokenRequest(_FIRST_TOKEN_NAME, TokenScope.ADMIN))


def insert_user(session: Session, name: str, role: UserRole, values: Mapping[str, Any]) -> User:
    """Add a user without a token, who is an editor of the default project at first.

    Raises:
        Conflict: another user has the name or the identity, or the first user is no admin.

    """
    lock_admins(session)
    if role is not UserRole.ADMIN and not _has_admin(session):
        raise Conflict("admin_required", "The first user must be an admin, because only an admin can add the others.")
    current_time = get_current_time(session)
    user = User(id=new_id(), name=name, role=role, disabled_at=None, created_at=current_time, **values)
    session.add(user)
    _flush_unique_name(session, name)
    session.add(
        Membership(user_id=user.id, project_id=DEFAULT_PROJECT_ID, role=ProjectRole.EDITOR, created_at=current_time)
    )
    return user


def get_user(session: Session, user_id: UUID) -> User:
    """Return the user with this id.

    Raises:
        NotFound: there is no such user.

    """
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("user", user_id)
    return user


def find_user(session: Session, reference: str) -> User:
    """Return the user with this name or id.

    Raises:
        NotFound: there is no such user.

    """
    try:
        condition = User.id == UUID(reference)  # no name is an id
    except ValueError:
        condition = User.name == reference
    user = session.scalar(select(User).where(condition)) if reference.isprintable() else None
    if user is None:
        raise NotFound("user", ascii(reference[:80]))
    return user


def list_users(session: Session, *, limit: int, cursor: str | None) -> Page[User]:
    """Return a page of users, newest first.

    Raises:
        InvalidInput: `cursor` is not a valid cursor.

    """
    return pagination.fetch_page(session, select(User), User.id, limit=limit, cursor=cursor)


def change_user(session: Session, user_id: UUID, values: Mapping[str, Any], *, is_disabled: bool | None) -> User:
    """Change columns of a user, and disable or enable them. The tokens of a disabled user are refused at once.

    Raises:
        NotFound: there is no such user.
        Conflict: another user has the name or the identity, or no enabled admin would be left.

    """
    user = _lock_user(session, user_id)
    for name, value in values.items():
        setattr(user, name, value)
    if is_disabled is not None:
        user.disabled_at = get_current_time(session) if is_disabled else None
    _flush_unique_name(session, user.name)
    _check_admin_is_left(session)
    return user


def delete_user(session: Session, user_id: UUID) -> None:
    """Delete a user with their tokens and memberships. Their jobs, datasets and sweeps stay in their projects.

    Raises:
        NotFound: there is no such user.
        Conflict: one of their jobs has not ended, or no enabled admin would be left.

    """
    user = _lock_user(session, user_id)
    active = select(func.count()).where(Job.owner_id == user_id, Job.state.not_in(TERMINAL_STATES))
    if count := session.scalar(active):
        raise Conflict("user_has_jobs", f"{count} jobs of {user.name} have not ended; cancel them first.")
    session.delete(user)
    session.flush()
    _check_admin_is_left(session)


def load_user_names(session: Session) -> dict[UUID, str]:
    """Load the name of every user, by id."""
    return {row.id: row.name for row in session.execute(select(User.id, User.name))}


def _lock_user(session: Session, user_id: UUID) -> User:
    lock_admins(session)
    user = session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None:
        raise NotFound("user", user_id)
    return user


def _flush_unique_name(session: Session, name: str) -> None:
    try:
        session.flush()
    except IntegrityError:
        message = f"There is a user {name!a} already, or one with the same identity."
        raise Conflict("name_taken", message) from None


def _has_admin(session: Session) -> bool:
    query = select(User.id).where(User.role == UserRole.ADMIN, User.disabled_at.is_(None)).limit(1)
    return session.scalar(query) is not None


def _check_admin_is_left(session: Session) -> None:
    """Refuse to lock all admins out. The last user may go: then the server has no users again."""
    if not _has_admin(session) and session.scalar(select(User.id).limit(1)) is not None:
        raise Conflict("last_admin", "The server needs an admin who is not disabled; make another user one first.")
