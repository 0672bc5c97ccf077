"""Find the principal of a token, in two queries whatever the number of tokens."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from models import DEFAULT_PROJECT_ID, Membership, Project, Token, TokenKind, User, UserRole
from service.db.database import DatabaseClock
from service.errors import NotFound
from service.team import token_format
from service.team.principal import Principal

_IS_VALID = (
    Token.revoked_at.is_(None),
    or_(Token.expires_at.is_(None), Token.expires_at > DatabaseClock()),
    User.disabled_at.is_(None),
)
# Built once, because every request runs these statements.
_SELECT_TOKEN = (
    select(Token, User)
    .join(User, User.id == Token.user_id)
    .where(Token.sha256 == bindparam("sha256"), Token.kind == bindparam("kind"), *_IS_VALID)
)
_SELECT_ROLES = (
    select(Membership.project_id, Membership.role)
    .where(Membership.user_id == bindparam("user_id"))
    .order_by(Membership.created_at, Membership.project_id)
)
_HAS_USERS = select(User.id).limit(1)


def has_users(session: Session) -> bool:
    """Return whether the server has users, so that each request needs a token or a session."""
    return session.scalar(_HAS_USERS) is not None


def find_token(session: Session, text: str, kind: TokenKind) -> tuple[Token, User] | None:
    """Return a token and its user; None if it is not known, revoked or expired, or its user is disabled."""
    if not token_format.is_well_formed(text):
        return None
    row = session.execute(_SELECT_TOKEN, {"sha256": token_format.hash_token(text), "kind": kind}).one_or_none()
    return None if row is None else (row[0], row[1])


def find_principal(session: Session, text: str, kind: TokenKind, project: str | None = None) -> Principal | None:
    """Return the principal of a token, or None if it is not valid.

    Args:
        session: to read in.
        text: the token.
        kind: whether a program has sent it, or a browser as its session.
        project: the id or the name of the project to work in; None chooses that of the token or the first one of the
            user.

    Raises:
        NotFound: there is no such project, or the user does not see it.

    """
    found = find_token(session, text, kind)
    if found is None:
        return None
    token, user = found
    roles = {row.project_id: row.role for row in session.execute(_SELECT_ROLES, {"user_id": user.id})}
    if token.project_id is not None:
        roles = {project_id: role for project_id, role in roles.items() if project_id == token.project_id}
    principal = Principal(
        project_id=token.project_id or next(iter(roles), DEFAULT_PROJECT_ID),
        is_admin=user.role is UserRole.ADMIN,
        scope=token.scope,
        roles=roles,
        user_id=user.id,
        user_name=user.name,
        token_id=token.id,
        token_prefix=token.prefix,
        token_project_id=token.project_id,
    )
    return principal if project is None else choose_project(session, principal, project)


def choose_project(session: Session, principal: Principal, project: str) -> Principal:
    """Return the principal in the project with this id or name.

    Raises:
        NotFound: there is no such project, or the principal does not see it.

    """
    condition = Project.name == project
    with suppress(ValueError):
        condition = or_(condition, Project.id == UUID(project))
    project_id = session.scalar(select(Project.id).where(condition).limit(1)) if project.isprintable() else None
    if project_id is None or not principal.can_see(project_id):
        raise NotFound("project", ascii(project[:80]))
    return replace(principal, project_id=project_id)


def list_valid_tokens(session: Session, token_ids: Collection[UUID]) -> set[UUID]:
    """Return the tokens among these that are valid now."""
    query = select(Token.id).join(User, User.id == Token.user_id).where(Token.id.in_(token_ids), *_IS_VALID)
    return set(session.scalars(query))


def record_uses(session: Session, uses: Mapping[UUID, datetime]) -> None:
    """Record when tokens were last used."""
    for token_id, time in sorted(uses.items()):
        session.execute(update(Token).where(Token.id == token_id).values(last_used_at=time))
