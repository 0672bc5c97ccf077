"""Authentication by a bearer token, if the installation has one."""

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problem_documents import create_problem_response

OPEN_PATHS = frozenset({"/healthz"})
"""Paths that need no token. Health checks have none."""


class BearerToken:
    """ASGI middleware that admits only requests with the token (RFC 6750). It compares in constant time."""

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
            detail="Expected the server's token as `Authorization: Bearer …`.",
            headers={"WWW-Authenticate": 'Bearer realm="stackyard"'},
        )
        await response(scope, receive, send)

    def _is_authorized(self, scope: Scope) -> bool:
        scheme, _, received = Headers(scope=scope).get("authorization", "").partition(" ")
        is_token = hmac.compare_digest(received.strip(" ").encode("latin-1", "replace"), self._expected)
        return is_token and scheme.lower() == "bearer"  # schemes have no case (RFC 9110)
