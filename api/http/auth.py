"""Authentication by the server's token, if it has one: as a bearer token, or in a browser as a password."""

import base64
import binascii
import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problem_documents import create_problem_response

OPEN_PATHS = frozenset({"/healthz"})
"""Paths that need no token. Health checks have none."""


_CHALLENGE = 'Bearer realm="stackyard"'
_LOGIN_CHALLENGE = 'Basic realm="stackyard", charset="UTF-8"'
"""It makes a browser ask for a password, which the browser keeps in memory and sends with every later request."""


class BearerToken:
    """ASGI middleware that admits only requests with the token. It compares in constant time.

    Programs send it as a bearer token (RFC 6750). A browser that opens a page is asked to log in (RFC 7617): with any
    user name, and the token as the password.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] == "lifespan" or scope["path"] in OPEN_PATHS or self._is_authorized(scope):
            await self._app(scope, receive, send)
            return
        response = create_problem_response(
            401,
            code="unauthorized",
            detail="Expected the server's token as `Authorization: Bearer …`, or as the password of a login.",
            headers={"WWW-Authenticate": _LOGIN_CHALLENGE if _opens_page(scope) else _CHALLENGE},
        )
        await response(scope, receive, send)

    def _is_authorized(self, scope: Scope) -> bool:
        scheme, _, credentials = Headers(scope=scope).get("authorization", "").partition(" ")
        received = credentials.strip(" ").encode("latin-1", "replace")
        match scheme.lower():  # schemes have no case (RFC 9110)
            case "bearer":
                return hmac.compare_digest(received, self._expected)
            case "basic":
                return hmac.compare_digest(_decode_password(received), self._expected)
            case _:
                return False


def _opens_page(scope: Scope) -> bool:
    """Return whether a browser asks for a page, and not a script of a page or another program for data."""
    headers = Headers(scope=scope)
    mode = headers.get("sec-fetch-mode", "navigate")  # not every browser sends it
    return mode == "navigate" and "text/html" in headers.get("accept", "")


def _decode_password(credentials: bytes) -> bytes:
    """Return the password in the credentials of Basic authentication; empty bytes if they are malformed."""
    try:
        _, _, password = base64.b64decode(credentials, validate=True).partition(b":")
    except binascii.Error:
        return b""
    return password
