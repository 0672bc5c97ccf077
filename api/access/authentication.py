"""Middleware that admits requests of known principals only, where the server requires a login."""

from collections.abc import Callable
from urllib.parse import quote

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.authenticator import Authenticator, Carrier, Identity
from api.http.problem_documents import create_error_response, create_problem_response
from api.http.request_guard import SAFE_METHODS
from service.errors import ServiceError

_CHALLENGE = 'Bearer realm="stackyard"'
_OWN_SITES = frozenset({"same-origin", "none"})
"""Values of `Sec-Fetch-Site` for the server's own pages, and for addresses that a person enters."""


class Authentication:
    """ASGI middleware that finds the principal of each request, and refuses those without one.

    Programs send a token as a bearer token (RFC 6750). A browser logs in once (`/v1/session`). Where it opens a page
    without a session, it is sent to the login and comes back afterwards. Routes find the principal in `request.state`.

    Args:
        app: the application.
        authenticator: finds principals.
        is_open: returns whether a path needs no authentication.

    """

    def __init__(self, app: ASGIApp, authenticator: Authenticator, is_open: Callable[[str], bool]) -> None:
        self._app = app
        self._authenticator = authenticator
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        refusal = None if scope["type"] == "lifespan" else await self._authenticate(scope)
        await (refusal or self._app)(scope, receive, send)

    async def _authenticate(self, scope: Scope) -> Response | None:
        """Set the principal of a request, or return a refusal."""
        state = scope.setdefault("state", {})
        state["principal"] = None
        if self._is_open(scope["path"]):
            return None
        headers = Headers(scope=scope)
        try:
            identity = await self._authenticator.identify(headers)
        except (ServiceError, SQLAlchemyError) as error:
            return create_error_response(error)
        state["principal"], state["carrier"] = identity.principal, identity.carrier
        return _find_refusal(scope, headers, identity)


def _find_refusal(scope: Scope, headers: Headers, identity: Identity) -> Response | None:
    if identity.principal is None:
        opens_page = identity.carrier is Carrier.NOTHING and _opens_page(scope, headers)
        return _redirect_to_login(scope) if opens_page else _refuse_unauthorized()
    is_write = scope.get("method") not in SAFE_METHODS
    if identity.carrier is Carrier.SESSION and is_write and not _shows_own_site(headers):
        return _refuse_unknown_site()
    return None


def _shows_own_site(headers: Headers) -> bool:
    """Return whether a browser says which site sends the request; `RequestGuard` refuses foreign ones."""
    return "origin" in headers or headers.get("sec-fetch-site") in _OWN_SITES


def _opens_page(scope: Scope, headers: Headers) -> bool:
    """Return whether a browser asks for a page, and not a script of a page or another program for data."""
    mode = headers.get("sec-fetch-mode", "navigate")  # not every browser sends it
    return scope.get("method") in SAFE_METHODS and mode == "navigate" and "text/html" in headers.get("accept", "")


def _redirect_to_login(scope: Scope) -> Response:
    query: bytes = scope["query_string"]
    address = quote(scope["path"]).encode() + (b"?" + query if query else b"")
    return RedirectResponse(f"/login?next={quote(address, safe='/')}", status_code=303)


def _refuse_unauthorized() -> Response:
    return create_problem_response(
        401,
        code="unauthorized",
        detail="Expected a valid token as `Authorization: Bearer …`, or a session, which /login starts.",
        headers={"WWW-Authenticate": _CHALLENGE},
    )


def _refuse_unknown_site() -> Response:
    return create_problem_response(
        403,
        code="foreign_origin",
        detail="A write with a session must have an `Origin`, as browsers send it. Programs send a token instead.",
    )
