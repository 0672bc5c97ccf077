"""Find the principal of a request, from its token or the session of a browser."""

import threading
import time
from dataclasses import dataclass
from enum import Enum, auto

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from api.access.session_cookie import COOKIE_NAME, SessionSigner
from api.access.token_uses import TokenUses
from models import TokenKind
from service.db.database import SessionFactory
from service.team import authentication
from service.team.principal import IMPLICIT_ADMIN, Principal

PROJECT_HEADER = "x-stackyard-project"
"""The header that chooses the project of a request, by id or name."""
_MODE_LIFETIME_S = 1.0
"""How long a process may not notice that another one has added the first user, or deleted the last one."""


class Carrier(Enum):
    """How a request shows who makes it."""

    NOTHING = auto()
    TOKEN = auto()
    SESSION = auto()


@dataclass(frozen=True)
class Identity:
    """The principal of a request, and how the request shows it; a principal that is None is not known."""

    principal: Principal | None
    carrier: Carrier


class Authenticator:
    """Finds principals. A server has users, or one token for all, or neither; then every request is an admin's.

    Args:
        sessions: of the installation's database.
        signer: verifies the token of the server, and the cookies of sessions that it started; None without a token.
        token_uses: records when tokens were used.

    """

    def __init__(self, sessions: SessionFactory, signer: SessionSigner | None, token_uses: TokenUses) -> None:
        self._sessions = sessions
        self._signer = signer
        self._token_uses = token_uses
        self._has_users = False
        self._mode_expires_at = 0.0
        self._refresh_lock = threading.Lock()

    async def requires_login(self) -> bool:
        """Return whether a request needs a token or a session."""
        return self._signer is not None or await self.has_users()

    async def has_users(self) -> bool:
        """Return whether the server has users."""
        if time.monotonic() >= self._mode_expires_at:
            try:
                await run_in_threadpool(self.refresh_mode)
            except SQLAlchemyError:
                if self._mode_expires_at == 0.0:  # it was never known
                    raise
                self._mode_expires_at = time.monotonic() + _MODE_LIFETIME_S  # so that not every request waits
        return self._has_users

    def refresh_mode(self) -> None:
        """Look whether the server has users now, after some were added or deleted."""
        # The lock keeps a look that began before a change from hiding what a later one has seen.
        with self._refresh_lock, self._sessions.read() as session:
            started_at = time.monotonic()
            self._has_users = authentication.has_users(session)
            self._mode_expires_at = started_at + _MODE_LIFETIME_S

    async def identify(self, headers: Headers) -> Identity:
        """Return the principal of a request.

        Raises:
            NotFound: the request is for a project that does not exist, or that the user does not see.

        """
        project = headers.get(PROJECT_HEADER)
        if not await self.requires_login():
            return Identity(await self._choose_project(IMPLICIT_ADMIN, project), Carrier.NOTHING)
        token, cookie = _read_bearer_token(headers), _read_cookie(headers)
        if token is not None:
            if self._signer is not None and self._signer.is_token(token.encode("latin-1", "replace")):
                return Identity(await self._choose_project(IMPLICIT_ADMIN, project), Carrier.TOKEN)
            return Identity(await self._find_principal(token, TokenKind.PERSONAL, project), Carrier.TOKEN)
        if cookie:
            if self._signer is not None and self._signer.is_valid(cookie):
                return Identity(await self._choose_project(IMPLICIT_ADMIN, project), Carrier.SESSION)
            principal = await self._find_principal(cookie, TokenKind.SESSION, project)
            if principal is not None:
                return Identity(principal, Carrier.SESSION)
        return Identity(None, Carrier.NOTHING)

    async def _find_principal(self, text: str, kind: TokenKind, project: str | None) -> Principal | None:
        if not await self.has_users():
            return None
        return await run_in_threadpool(self._load_principal, text, kind, project)

    def _load_principal(self, text: str, kind: TokenKind, project: str | None) -> Principal | None:
        with self._sessions.read() as session:
            principal = authentication.find_principal(session, text, kind, project)
        if principal is not None and principal.token_id is not None:
            self._token_uses.add(principal.token_id)
        return principal

    async def _choose_project(self, principal: Principal, project: str | None) -> Principal:
        if project is None:
            return principal

        def choose() -> Principal:
            with self._sessions.read() as session:
                return authentication.choose_project(session, principal, project)

        return await run_in_threadpool(choose)


def _read_bearer_token(headers: Headers) -> str | None:
    """Return the credentials of a bearer token (RFC 6750); another scheme has none that is valid."""
    if "authorization" not in headers:
        return None
    scheme, _, credentials = headers["authorization"].partition(" ")
    return credentials.strip(" ") if scheme.lower() == "bearer" else ""  # schemes have no case (RFC 9110)


def _read_cookie(headers: Headers) -> str:
    return cookie_parser(headers.get("cookie", "")).get(COOKIE_NAME, "")
