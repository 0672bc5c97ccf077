"""Response headers that tell browsers what they must not do with a response."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
"""Nothing may load, run or frame a response. A route that needs more sets a header of its own."""
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class SecurityHeaders:
    """ASGI middleware that adds `SECURITY_HEADERS` where a route sets none, and makes redirects relative."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: list[tuple[bytes, bytes]] = message["headers"]
                names = {name for name, _ in headers}
                headers = [*headers, *((name, value) for name, value in _RAW_HEADERS if name not in names)]
                message = {**message, "headers": headers}
                if b"location" in names:
                    _make_location_relative(scope, headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _make_location_relative(scope: Scope, raw_headers: list[tuple[bytes, bytes]]) -> None:
    """Remove the host from the address of a redirect, because the client chose it in its `Host` header."""
    headers = MutableHeaders(raw=raw_headers)
    origin = f"{scope['scheme']}://{Headers(scope=scope).get('host', '')}"
    if headers["location"].startswith(f"{origin}/"):
        headers["location"] = headers["location"].removeprefix(origin)
