"""The user of an identity: the one who has it, or a new member."""

import re
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import User, UserRole
from service.errors import Conflict
from service.team import users
from service.team.oidc.identity_tokens import Identity
from service.team.oidc.login_refusal import LoginRefused, RefusalCode

_FORBIDDEN = re.compile(r"[^A-Za-z0-9._@-]+")
_MAX_NAME_LENGTH = 90


def find_account(session: Session, identity: Identity) -> User | None:
    """Return the user with an identity; None if there is none.

    Raises:
        LoginRefused: an admin has disabled the user.

    """
    user = session.scalar(select(User).where(User.oidc_subject == identity.subject))
    if user is not None and user.disabled_at is not None:
        raise LoginRefused(RefusalCode.ACCOUNT_DISABLED, "Your account is disabled. Ask an admin of this server.")
    return user


def create_account(session: Session, identity: Identity) -> User:
    """Add a member for an identity. The name comes from the identity, and gets a number if it is taken.

    Raises:
        LoginRefused: the server has no admin yet, or another login took the name or the identity meanwhile.

    """
    try:
        name = _choose_name(session, identity)
        return users.insert_user(session, name, UserRole.MEMBER, {"oidc_subject": identity.subject})
    except Conflict as error:
        raise LoginRefused(RefusalCode.NO_ACCOUNT, f"No account was created. {error}") from None


def build_no_account(identity: Identity) -> LoginRefused:
    """Return the refusal of an identity without a user, with what an admin needs to add one."""
    return LoginRefused(
        RefusalCode.NO_ACCOUNT,
        f"This server has no user for you. An admin can add one with the identity “{identity.subject}”.",
    )


def _choose_name(session: Session, identity: Identity) -> str:
    cleaned = (_FORBIDDEN.sub("-", name).strip(".-_@")[:_MAX_NAME_LENGTH] for name in identity.names)
    base = next((name for name in cleaned if name), "user")
    names = (base if number == 1 else f"{base}-{number}" for number in count(1))
    return next(name for name in names if session.scalar(select(User.id).where(User.name == name)) is None)
