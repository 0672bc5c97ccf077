"""Find the principal of a token, in one query whatever the number of tokens."""

from collections.abc import Collection, Mapping
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
_SELECT_PRINCIPAL = (
    select(
        Token.id,
        Token.prefix,
        Token.scope,
        Token.project_id,
        User.id.label("user_id"),
        User.name.label("user_name"),
        User.role.label("user_role"),
        Membership.project_id.label("member_of"),
        Membership.role,
    )
    .join(User, User.id == Token.user_id)
    .outerjoin(Membership, Membership.user_id == User.id)
    .where(Token.sha256 == bindparam("sha256"), Token.kind == bindparam("kind"), *_IS_VALID)
    .order_by(Membership.created_at, Membership.project_id)
)
"""A row for each membership of the user; one row without a membership if there is none."""
_HAS_USERS = select(User.id).limit(1)


def has_users(session: Session) -> bool:
    """Return whether the server has users, so that each request needs a token or a session."""
    return session.scalar(_HAS_USERS) is not None


def find_token(session: Session, text: str, kind: TokenKind, *, keep: bool = False) -> tuple[Token, User] | None:
    """Return a token and its user; None if it is not known, revoked or expired, or its user is disabled.

    Args:
        session: to read in.
        text: the token.
        kind: whether a program sends it, or a browser as its session.
        keep: whether to keep the token from being revoked until the transaction ends, because a session starts with
            it, which must end with it.

    """
    if not token_format.is_well_formed(text):
        return None
    query = _SELECT_TOKEN.with_for_update(read=True, of=Token) if keep else _SELECT_TOKEN
    row = session.execute(query, {"sha256": token_format.hash_token(text), "kind": kind}).one_or_none()
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
    if not token_format.is_well_formed(text):
        return None
    rows = session.execute(_SELECT_PRINCIPAL, {"sha256": token_format.hash_token(text), "kind": kind}).all()
    if not rows:
        return None
    token = rows[0]
    roles = {
        row.member_of: row.role
        for row in rows
        if row.member_of is not None and token.project_id in {None, row.member_of}
    }
    principal = Principal(
        project_id=token.project_id or next(iter(roles), DEFAULT_PROJECT_ID),
        is_admin=token.user_role is UserRole.ADMIN,
        scope=token.scope,
        roles=roles,
        user_id=token.user_id,
        user_name=token.user_name,
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
    try:
        condition = Project.id == UUID(project)  # no name is an id
    except ValueError:
        condition = Project.name == project
    project_id = session.scalar(select(Project.id).where(condition)) if project.isprintable() else None
    if project_id is None or not principal.can_see(project_id):
        raise NotFound("project", ascii(project[:80]))
    return replace(principal, project_id=project_id)


def load_visible_projects(session: Session, token_ids: Collection[UUID]) -> dict[UUID, frozenset[UUID] | None]:
    """Load the projects that the principals of tokens see, None for all; tokens that are not valid are left out."""
    query = (
        select(Token.id, Token.project_id, User.role, Membership.project_id.label("member_of"))
        .join(User, User.id == Token.user_id)
        .outerjoin(Membership, Membership.user_id == User.id)
        .where(Token.id.in_(token_ids), *_IS_VALID)
    )
    visible: dict[UUID, frozenset[UUID] | None] = {}
    for row in session.execute(query).all():
        if row.role is UserRole.ADMIN:
            visible[row.id] = None if row.project_id is None else frozenset({row.project_id})
            continue
        visible.setdefault(row.id, frozenset())
        if row.member_of is not None and row.project_id in {None, row.member_of}:
            visible[row.id] = (visible[row.id] or frozenset()) | {row.member_of}
    return visible


def record_uses(session: Session, uses: Mapping[UUID, datetime]) -> None:
    """Record when tokens were last used. A token that another transaction changes is left out: nothing waits here."""
    free = select(Token.id).where(Token.id.in_(uses)).with_for_update(skip_locked=True)
    for token_id in session.scalars(free).all():
        session.execute(update(Token).where(Token.id == token_id).values(last_used_at=uses[token_id]))
