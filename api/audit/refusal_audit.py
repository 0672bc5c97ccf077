"""Middleware that records refused requests in the audit of a team's server."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.audit.refusal_recorder import RefusalRecorder
from api.audit.request_description import describe_request, is_write
from api.http.problem_documents import ProblemView
from service.team.audit.audited_request import AuditedRequest

_MAX_WAIT_S = 2.0
"""How long a refusal waits for its entry. A database that is slower gets it later."""
_ALWAYS_RECORDED = frozenset({401, 403, 429})
"""Statuses that are refusals also of requests that only read."""
_WRITE_REFUSALS = frozenset({*range(400, 500), 507})
"""Statuses that are refusals of writes: the server has understood the request, and does not do it."""


class RefusalAudit:
    """ASGI middleware that records 401, 403 and 429 of all requests, and every refusal of a write.

    The response is sent once the entry is written.

    Args:
        app: the application.
        recorder: writes the entries.
        has_users: returns whether the server has users; without users there is no audit.
        routes: the routes of the application, to describe requests that are refused before their route is found.

    """

    def __init__(
        self,
        app: ASGIApp,
        recorder: RefusalRecorder,
        has_users: Callable[[], Awaitable[bool]],
        routes: Sequence[BaseRoute],
    ) -> None:
        self._app = app
        self._routes = routes
        self._recorder = recorder
        self._has_users = has_users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and record the response if it is a refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start: Message | None = None

        async def send_recorded(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and await self._is_recorded(scope, message["status"]):
                start = message  # the code is in the body
                return
            if start is not None:
                held, start = start, None
                await self._record(scope, held["status"], message.get("body", b""))
                await send(held)
            await send(message)

        await self._app(scope, receive, send_recorded)

    async def _is_recorded(self, scope: Scope, status: int) -> bool:
        if status not in _WRITE_REFUSALS or not (status in _ALWAYS_RECORDED or _writes(scope)):
            return False
        request: AuditedRequest | None = scope.get("state", {}).get("audit")
        if request is not None and request.is_recorded:
            return False
        try:
            return await self._has_users()
        except SQLAlchemyError:
            return False

    async def _record(self, scope: Scope, status: int, body: bytes) -> None:
        request: AuditedRequest = scope.get("state", {}).get("audit") or describe_request(self._add_route(scope))
        entry = self._recorder.record(request, status, _read_code(body))
        if entry is not None:
            await asyncio.wait({asyncio.wrap_future(entry)}, timeout=_MAX_WAIT_S)

    def _add_route(self, scope: Scope) -> Scope:
        """Return the scope of a request with its route, if there is one."""
        if "route" in scope:
            return scope
        for route in self._routes:
            match, child_scope = route.matches(scope)
            if match is Match.FULL:
                return {**scope, **child_scope, "route": route}
        return scope


def _writes(scope: Scope) -> bool:
    return "route" in scope and is_write(f"{scope['method']} {scope['route'].path}")


def _read_code(body: bytes) -> str | None:
    """Return the code of a problem document."""
    try:
        return ProblemView.model_validate_json(body).code
    except ValidationError:
        return None
