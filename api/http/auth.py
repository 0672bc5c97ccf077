"""Authentication by the server's token, if it has one: as a bearer token, or by the cookie of a browser's session."""

from collections.abc import Callable
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problem_documents import create_problem_response
from api.http.session_cookie import COOKIE_NAME, SessionSigner

HEALTH_PATH = "/healthz"
"""The path of the health check, which has no token and comes from any host."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
_CHALLENGE = 'Bearer realm="stackyard"'
_OWN_SITES = frozenset({"same-origin", "none"})
"""Values of `Sec-Fetch-Site` for the server's own pages, and for addresses that a person enters."""


class Authentication:
    """ASGI middleware that admits only requests with the token, or with the cookie of a session.

    Programs send the token as a bearer token (RFC 6750). A browser logs in once (`/v1/session`). Where it opens a page
    without a session, it is sent to the login and comes back afterwards.

    Args:
        app: the application.
        signer: verifies the token and the cookies.
        is_open: returns whether a path needs no authentication.

    """

    def __init__(self, app: ASGIApp, signer: SessionSigner, is_open: Callable[[str], bool]) -> None:
        self._app = app
        self._signer = signer
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        refusal = None if scope["type"] == "lifespan" else self._find_refusal(scope)
        await (refusal or self._app)(scope, receive, send)

    def _find_refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self._is_open(scope["path"]) or self._has_token(headers):
            return None
        if not has_session(headers, self._signer):
            return _redirect_to_login(scope) if _opens_page(scope, headers) else _refuse_unauthorized()
        return None if scope.get("method") in SAFE_METHODS or _shows_own_site(headers) else _refuse_unknown_site()

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        received = credentials.strip(" ").encode("latin-1", "replace")
        return scheme.lower() == "bearer" and self._signer.is_token(received)  # schemes have no case (RFC 9110)


def has_session(headers: Headers, signer: SessionSigner) -> bool:
    """Return whether a request has the cookie of a session, and no other credentials, which would replace it."""
    cookies = cookie_parser(headers.get("cookie", ""))
    return "authorization" not in headers and signer.is_valid(cookies.get(COOKIE_NAME, ""))


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
        detail="Expected the server's token as `Authorization: Bearer …`, or a session, which /login starts.",
        headers={"WWW-Authenticate": _CHALLENGE},
    )


def _refuse_unknown_site() -> Response:
    return create_problem_response(
        403,
        code="foreign_origin",
        detail="A write with a session must have an `Origin`, as browsers send it. Programs send the token instead.",
    )
