"""Access to `/metrics` with a token of its own, so that Prometheus need not know the server's token."""

import hmac
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

METRICS_PATH = "/metrics"


class MetricsTokenAccess:
    """ASGI middleware that answers a scrape with the metrics' token. All other requests are passed on.

    It stands outside of the middleware that authenticates users, which therefore needs to know nothing of this token.

    Args:
        app: the application.
        token: the token of the metrics.
        render: returns the metrics and their media type for a header `Accept`.

    """

    def __init__(self, app: ASGIApp, token: str, render: Callable[[str], tuple[bytes, str]]) -> None:
        self._app = app
        self._token = token.encode()
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or pass it on."""
        if scope["type"] != "http" or scope["path"] != METRICS_PATH or not self._is_scrape(scope):
            await self._app(scope, receive, send)
            return
        accept = Headers(scope=scope).get("accept", "")
        content, media_type = await run_in_threadpool(self._render, accept)
        await Response(content, headers={"Content-Type": media_type})(scope, receive, send)

    def _is_scrape(self, scope: Scope) -> bool:
        scheme, _, credentials = Headers(scope=scope).get("authorization", "").partition(" ")
        received = credentials.strip(" ").encode("latin-1", "replace")
        return scope["method"] == "GET" and scheme.lower() == "bearer" and hmac.compare_digest(received, self._token)
