"""Refusal of requests that a browser sends for a page of another site, and of open access from other machines."""

import functools
import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problem_documents import create_problem_response
from stackyard.loopback import is_loopback_name

HEALTH_PATH = "/healthz"
"""The path of the health check, which has no token and comes from any host."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
"""Values of `Sec-Fetch-Site` for pages that the API did not serve itself."""
_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::[0-9]*)?")


class RequestGuard:
    """ASGI middleware that checks the address, the `Host` and the `Origin` of a request.

    Without a login, a request must arrive at a loopback address, whatever started the server, and be for a loopback
    host or an allowed one. Otherwise a page could point its own host name at this machine (DNS rebinding). A write
    with the `Origin` of another site is refused in any case.

    Args:
        app: the application.
        requires_login: returns whether another middleware requires a token or a session.
        allowed_hosts: host names besides the loopback ones.

    """

    def __init__(
        self, app: ASGIApp, *, requires_login: Callable[[], Awaitable[bool]], allowed_hosts: tuple[str, ...]
    ) -> None:
        self._app = app
        self._requires_login = requires_login
        self._allowed_hosts = frozenset(name.lower() for name in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        refusal = await self._find_refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    async def _find_refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if scope["path"] != HEALTH_PATH and not await self._has_login():
            if not _is_local_server(scope):
                return create_problem_response(
                    403,
                    code="token_required",
                    detail="Without STACKYARD_TOKEN or users, the server answers only requests from its own machine.",
                )
            if not self._is_known_host(host):
                return create_problem_response(
                    421,
                    code="unknown_host",
                    detail="The server does not answer under this host name; STACKYARD_ALLOWED_HOSTS can name it.",
                )
        if scope["method"] not in SAFE_METHODS and self._is_foreign(headers, host):
            return create_problem_response(
                403,
                code="foreign_origin",
                detail="Pages of other sites may not write; STACKYARD_ALLOWED_HOSTS can name a site.",
            )
        return None

    async def _has_login(self) -> bool:
        """Return whether the server requires a login; if its database is unavailable, it counts as open."""
        try:
            return await self._requires_login()
        except SQLAlchemyError:
            return False

    def _is_known_host(self, host: str) -> bool:
        name = parse_host_name(host)
        return is_loopback_name(name) or name in self._allowed_hosts

    def _is_foreign(self, headers: Headers, host: str) -> bool:
        """Return whether a browser sends the request for a page of another origin; other clients do not say."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is None:
            return site in _FOREIGN_SITES
        address = _parse_origin(origin)
        if parse_host_name(address) in self._allowed_hosts:
            return False
        return not address or address != host.lower() or site == "cross-site"


def _is_local_server(scope: Scope) -> bool:
    """Return whether the request arrived at a loopback address or a Unix socket, which has no port."""
    server = scope.get("server")
    return server is not None and (server[1] is None or is_loopback_name(server[0]))


@functools.lru_cache(maxsize=256)
def parse_host_name(host: str) -> str:
    """Return the name or address in a `Host` header, in lower case and without port and brackets; "" if malformed."""
    match = _HOST.fullmatch(host)
    return match[1].strip("[]").lower() if match else ""


def _parse_origin(origin: str) -> str:
    """Return the host and port of an origin, without the default port of its scheme; "" for an opaque one."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return ""
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else ""
