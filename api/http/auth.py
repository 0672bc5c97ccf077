"""The door: a bearer token, where the installation has one."""

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problem_documents import problem_response

OPEN_PATHS = frozenset({"/healthz"})
"""What answers without a token: whoever watches the process need not be let in."""


class BearerToken:
    """Lets through only requests that carry the token (RFC 6750), compared in constant time."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] == "lifespan" or scope["path"] in OPEN_PATHS or self._admits(scope):
            await self._app(scope, receive, send)
            return
        response = problem_response(
            401,
            code="unauthorized",
            detail="Expected the server's token as `Authorization: Bearer …`.",
            headers={"WWW-Authenticate": 'Bearer realm="stackyard"'},
        )
        await response(scope, receive, send)

    def _admits(self, scope: Scope) -> bool:
        received = Headers(scope=scope).get("authorization", "").encode("latin-1", "replace")
        return hmac.compare_digest(received, self._expected)
