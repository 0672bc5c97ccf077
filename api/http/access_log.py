"""The outermost layer of the application: it gives each request an id, and logs and measures it when it has ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.request_ids import REQUEST_ID_HEADER, choose_request_id
from service.logs import shorten_text
from service.team.principal import Principal

MAX_PATH_LENGTH = 200
_RAW_HEADER = REQUEST_ID_HEADER.lower().encode()
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))

log = structlog.get_logger()


@dataclass
class ServedRequest:
    """A request and what was sent for it so far.

    Args:
        method: as the client sent it.
        route: template of the path, such as `/v1/jobs/{job_id}`; None if no route matches, or before one is chosen.
        status: of the response; None until it starts.
        response_s: seconds from the arrival of the headers to the start of the response.
        bytes: of the response's body.

    """

    method: str
    route: str | None = None
    status: int | None = None
    response_s: float | None = None
    bytes: int = 0


class AccessLog:
    """ASGI application around another one.

    One line of JSON is logged for each request: method, path, route, status, duration, bytes, address, id and, if it
    has one, its user. The path is cut, so that a refused request costs a line of bounded length.

    Args:
        app: the application with all of its middleware, so that its unexpected errors are recorded, too.
        on_start: called when a request has arrived.
        on_end: called when its response has ended, or when it failed.

    """

    def __init__(self, app: ASGIApp, *, on_start: Callable[[], None], on_end: Callable[[ServedRequest], None]) -> None:
        self._app = app
        self._on_start = on_start
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, started = ServedRequest(scope["method"]), time.perf_counter()
        request_id = choose_request_id(scope)
        id_header = (_RAW_HEADER, request_id.encode())

        async def record_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.status, request.response_s = message["status"], time.perf_counter() - started
                message = {**message, "headers": [*message["headers"], id_header]}
            else:
                request.bytes += len(message.get("body", b""))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            self._on_start()
            try:
                await self._app(scope, receive, record_and_send)
            finally:
                request.route = _get_route_template(scope)
                self._on_end(request)
                _log_request(scope, request, time.perf_counter() - started)


def log_refused_connection(client: str | None, status: int, code: str) -> None:
    """Log a request that the server refuses before the application receives it."""
    log.info("request", action="request", status=status, code=code, client=client)


def _get_route_template(scope: Scope) -> str | None:
    """Return the template of the path, so that the number of different values does not depend on clients."""
    route: Any = scope.get("route")
    if (template := getattr(route, "path_format", None)) is not None:
        return template
    if "endpoint" not in scope:
        return None
    if mounted_at := scope.get("root_path", "").removeprefix(scope.get("app_root_path", "")):
        return f"{mounted_at}/{{path}}"
    return None if scope.get("path_params") else scope["path"]


def _log_request(scope: Scope, request: ServedRequest, duration_s: float) -> None:
    client = scope.get("client")
    log.info(
        "request",
        action="request",
        method=request.method,
        path=_format_target(scope),
        route=request.route,
        status=request.status,
        duration_ms=round(duration_s * 1000, 2),
        bytes=request.bytes,
        client=client[0] if client else None,
        **_describe_user(scope),
    )


def _describe_user(scope: Scope) -> dict[str, str]:
    principal: Principal | None = scope.get("state", {}).get("principal")
    return {} if principal is None or principal.user_name is None else {"user": principal.user_name}


def _format_target(scope: Scope) -> str:
    """Return the path and the query as the client sent them, cut, and with escapes for all but printable ASCII."""
    path: bytes = scope.get("raw_path") or scope["path"].encode(errors="replace")
    query: bytes = scope.get("query_string", b"")
    target = (path + b"?" + query if query else path).decode("latin-1")
    return quote(shorten_text(target, MAX_PATH_LENGTH), safe=_PRINTABLE, encoding="latin-1")
