"""Tokens of users: create, list, rotate and revoke them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from models import Token, TokenKind, TokenScope
from service.db import pagination
from service.db.database import get_current_time
from service.db.ids import new_id
from service.db.pagination import Page
from service.errors import Conflict, NotFound
from service.team import token_format
from service.team.principal import Principal
from service.team.row_locks import keep_project, keep_user

_SESSION_RETENTION = timedelta(days=1)
"""How long a session that has ended is kept."""


@dataclass(frozen=True)
class TokenRequest:
    """The properties of a new token; `expires_at` is None for a token that does not expire."""

    name: str
    scope: TokenScope
    project_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class IssuedToken:
    """A new token. Its text is shown once, because the database has only its SHA-256."""

    token: Token
    text: str


def issue_token(session: Session, user_id: UUID, request: TokenRequest) -> IssuedToken:
    """Create a token that programs of a user send.

    Raises:
        NotFound: the user or the project was deleted meanwhile.

    """
    keep_user(session, user_id)
    if request.project_id is not None:
        keep_project(session, request.project_id)
    return _insert_token(session, user_id, TokenKind.PERSONAL, request)


def start_session(session: Session, token: Token, lifetime_s: float) -> IssuedToken:
    """Create the session of a browser that has logged in with a token; it permits the same, and ends with it."""
    expires_at = get_current_time(session) + timedelta(seconds=lifetime_s)
    if token.expires_at is not None:
        expires_at = min(expires_at, token.expires_at)
    request = TokenRequest(f"browser, by {token.name}", token.scope, token.project_id, expires_at)
    return _insert_token(session, token.user_id, TokenKind.SESSION, request, token.id)


def start_user_session(session: Session, user_id: UUID, name: str, lifetime_s: float) -> IssuedToken:
    """Create the session of a browser whose user an identity provider has verified."""
    expires_at = get_current_time(session) + timedelta(seconds=lifetime_s)
    request = TokenRequest(name, TokenScope.ADMIN, None, expires_at)
    return _insert_token(session, user_id, TokenKind.SESSION, request)


def list_tokens(
    session: Session, principal: Principal, user_id: UUID | None, *, limit: int, cursor: str | None
) -> Page[Token]:
    """Return a page of the tokens and sessions that a principal may change, newest first.

    Args:
        session: to read in.
        principal: who asks.
        user_id: whose tokens to list; None for all.
        limit: maximum number of tokens on the page.
        cursor: `Page.next` of the page before.

    Raises:
        InvalidInput: `cursor` is not a valid cursor.

    """
    query = select(Token).where(*_build_conditions(principal))
    if user_id is not None:
        query = query.where(Token.user_id == user_id)
    return pagination.fetch_page(session, query, Token.id, limit=limit, cursor=cursor)


def lock_token(session: Session, token_id: UUID, principal: Principal) -> Token:
    """Return a token that a principal may change, locked until the transaction ends.

    Raises:
        NotFound: there is no such token among those.

    """
    query = select(Token).where(Token.id == token_id, *_build_conditions(principal)).with_for_update()
    token = session.scalar(query)
    if token is None:
        raise NotFound("token", token_id)
    return token


def _build_conditions(principal: Principal) -> list[ColumnElement[bool]]:
    """Return the conditions on the tokens that a principal may change: their own, or all for an admin.

    With a token for one project, they are those for that project: a successor of another one would permit more.
    """
    if principal.token_project_id is not None:
        return [Token.user_id == principal.user_id, Token.project_id == principal.token_project_id]
    return [] if principal.is_admin else [Token.user_id == principal.user_id]


def revoke_token(session: Session, token: Token) -> None:
    """Revoke a token at once, with the sessions that it started. A repeat changes nothing."""
    now = get_current_time(session)
    session.execute(
        update(Token).where(_is_token_or_session(token), Token.revoked_at.is_(None)).values(revoked_at=now)
    )


def rotate_token(session: Session, token: Token, overlap_s: float) -> IssuedToken:
    """Create a token with the properties of another one, which expires after `overlap_s` seconds.

    Meanwhile both are valid, so that programs change to the new one without an interruption.

    Raises:
        Conflict: the token is revoked or has expired, or is the session of a browser.

    """
    now = get_current_time(session)
    if token.kind is TokenKind.SESSION or token.revoked_at is not None or _has_expired(token, now):
        raise Conflict("token_not_valid", "Only a valid token of a program can be rotated.")
    lifetime = None if token.expires_at is None else token.expires_at - token.created_at
    expires_at = None if lifetime is None else now + lifetime
    issued = issue_token(session, token.user_id, TokenRequest(token.name, token.scope, token.project_id, expires_at))
    end = now + timedelta(seconds=overlap_s)
    ends_later = or_(Token.expires_at.is_(None), Token.expires_at > end)
    session.execute(update(Token).where(_is_token_or_session(token), ends_later).values(expires_at=end))
    return issued


def _is_token_or_session(token: Token) -> ColumnElement[bool]:
    """Return the condition on a token and on the sessions that it started."""
    return or_(Token.id == token.id, Token.parent_id == token.id)


def delete_ended_sessions(session: Session) -> None:
    """Delete sessions of browsers that ended some time ago. Tokens of programs stay, for their list."""
    horizon = get_current_time(session) - _SESSION_RETENTION
    has_ended = or_(Token.expires_at < horizon, Token.revoked_at < horizon)
    session.execute(delete(Token).where(Token.kind == TokenKind.SESSION, has_ended))


def _has_expired(token: Token, now: datetime) -> bool:
    return token.expires_at is not None and token.expires_at <= now


def _insert_token(
    session: Session, user_id: UUID, kind: TokenKind, request: TokenRequest, parent_id: UUID | None = None
) -> IssuedToken:
    new_token = token_format.create_token()
    token = Token(
        id=new_id(),
        user_id=user_id,
        kind=kind,
        name=request.name,
        prefix=new_token.prefix,
        sha256=new_token.sha256,
        scope=request.scope,
        project_id=request.project_id,
        parent_id=parent_id,
        created_at=get_current_time(session),
        expires_at=request.expires_at,
        revoked_at=None,
        last_used_at=None,
    )
    session.add(token)
    session.flush()
    return IssuedToken(token, new_token.text)
