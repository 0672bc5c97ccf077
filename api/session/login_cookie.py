"""The cookie that the browser gets at a login."""

from fastapi import Request, Response

from api.access.session_cookie import COOKIE_NAME


def set_session_cookie(response: Response, cookie: str, lifetime_s: float, *, is_secure: bool) -> None:
    """Let a response set the cookie of a session, which no script reads and no other site causes to be sent."""
    response.set_cookie(
        COOKIE_NAME, cookie, max_age=int(lifetime_s), secure=is_secure, httponly=True, samesite="strict"
    )


def uses_https(request: Request) -> bool:
    """Return whether the browser uses https. Behind a proxy, only the browser's `Origin` says so."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
