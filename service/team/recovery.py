"""Access for people at the server's machine: whether the installation has users, and a new token for an admin."""

from pathlib import Path

from sqlalchemy import inspect, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from models import Token, TokenScope, User, UserRole
from service.db.database import SessionFactory, get_current_time
from service.errors import NotFound
from service.settings import Settings
from service.team import authentication
from service.team.tokens import IssuedToken, TokenRequest, issue_token

_TOKEN_NAME = "recovery"  # noqa: S105  the name of a token, not a secret


def has_installed_users(settings: Settings) -> bool:
    """Return whether the database of an installation has users; it need not have tables yet, nor exist.

    Raises:
        OperationalError: the database cannot be reached.

    """
    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return False
    sessions = SessionFactory(settings.resolved_database_url)
    try:
        with sessions.read() as session:
            has_table = inspect(session.connection()).has_table(User.__tablename__)
            return has_table and authentication.has_users(session)
    finally:
        sessions.dispose()


def recover_admin(session: Session, name: str, *, revokes_others: bool) -> tuple[User, IssuedToken]:
    """Issue a token for a user who lost theirs, and make them an admin who is not disabled.

    Args:
        session: in a transaction that may write.
        name: the name of the user.
        revokes_others: whether all other tokens and sessions of the user are revoked.

    Raises:
        NotFound: there is no such user.

    """
    user = session.scalar(select(User).where(User.name == name))
    if user is None:
        raise NotFound("user", ascii(name[:80]))
    if revokes_others:
        is_valid = (Token.user_id == user.id, Token.revoked_at.is_(None))
        session.execute(update(Token).where(*is_valid).values(revoked_at=get_current_time(session)))
    user.role, user.disabled_at = UserRole.ADMIN, None
    return user, issue_token(session, user.id, TokenRequest(_TOKEN_NAME, TokenScope.ADMIN))


def list_admin_names(session: Session) -> list[str]:
    """Return the names of all admins, in order."""
    return list(session.scalars(select(User.name).where(User.role == UserRole.ADMIN).order_by(User.name)))
