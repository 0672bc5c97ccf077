"""Middleware that limits the rate of requests with tokens."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.authenticator import Carrier
from api.access.rate_limits import Quota, RateLimiter
from api.http.problem_documents import create_problem_response
from service.team.principal import Principal


class RateLimiting:
    """ASGI middleware that refuses the requests of a token beyond its limit with 429.

    Browsers with a session, the token of the server and open paths have no limit.

    Args:
        app: the application.
        limiter: counts requests.

    """

    def __init__(self, app: ASGIApp, limiter: RateLimiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the headers of its limit, or refuse it."""
        state = scope.get("state", {})
        principal: Principal | None = state.get("principal")
        has_limit = principal is not None and state.get("carrier") is Carrier.TOKEN
        token_id = principal.token_id if has_limit and principal is not None else None
        quota = None if token_id is None else await self._limiter.count_request(token_id)
        if quota is None:
            await self._app(scope, receive, send)
        elif quota.is_exceeded:
            await _refuse(quota)(scope, receive, send)
        else:
            await self._app(scope, receive, _add_headers(send, quota))


def _refuse(quota: Quota) -> ASGIApp:
    return create_problem_response(
        429,
        code="rate_limited",
        detail=f"Expected at most {quota.limit} requests in {quota.window_s} s with this token. Try again later.",
        headers=quota.build_headers(),
    )


def _add_headers(send: Send, quota: Quota) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(quota.build_headers())
        await send(message)

    return send_with_headers
