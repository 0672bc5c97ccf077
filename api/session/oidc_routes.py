"""Routes of `/v1/session/oidc`: log in through an OpenID Connect provider.

The application has these routes only if the settings name a provider.
"""

import hmac
import math
from html import escape
from typing import Annotated
from urllib.parse import quote

from anyio import from_thread
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from api.app_state import AllSessionsDep, SettingsDep
from api.session.login_cookie import set_session_cookie, uses_https
from api.session.login_limiter import LoginLimiter
from api.session.oidc_attempt import ATTEMPT_COOKIE, ATTEMPT_LIFETIME_S, LoginAttempt
from api.session.routes import OIDC_PATH, LimiterDep
from service.db.database import SessionFactory
from service.settings import Settings
from service.team import tokens
from service.team.audit import recording
from service.team.oidc import accounts
from service.team.oidc.identity_provider import IdentityProvider
from service.team.oidc.identity_tokens import Identity
from service.team.oidc.login_refusal import LoginRefused, RefusalCode

_SESSION_NAME = "browser, by the identity provider"
_STATUSES = {
    RefusalCode.UNKNOWN_LOGIN: 400,
    RefusalCode.TOO_MANY_LOGINS: 429,
    RefusalCode.PROVIDER_REFUSED: 403,
    RefusalCode.PROVIDER_UNAVAILABLE: 502,
    RefusalCode.INVALID_TOKEN: 403,
    RefusalCode.NOT_ALLOWED: 403,
    RefusalCode.NO_ACCOUNT: 403,
    RefusalCode.ACCOUNT_DISABLED: 403,
}
_NOT_STORED = {"Cache-Control": "no-store"}

router = APIRouter(prefix=OIDC_PATH, tags=["session"], include_in_schema=False)


def install_identity_provider(app: FastAPI, settings: Settings) -> None:
    """Give the application the provider that the settings name."""
    app.state.identity_provider = IdentityProvider(settings)


async def _get_provider(request: Request) -> IdentityProvider:
    return request.app.state.identity_provider


ProviderDep = Annotated[IdentityProvider, Depends(_get_provider)]
_Text = Annotated[str, Query(max_length=4096)]


@router.get("/start")
def start_login(
    request: Request,
    provider: ProviderDep,
    settings: SettingsDep,
    next_address: Annotated[str, Query(alias="next", max_length=4096)] = "/",
) -> Response:
    """Send the browser to the provider. It comes back to `/callback`, and then to `next`, an address of this site."""
    attempt, redirect_url = LoginAttempt.create(next_address), _build_redirect_url(request, settings)
    try:
        url = provider.build_authorization_url(attempt.secrets, redirect_url)
    except LoginRefused as refusal:
        return _build_refusal_page(refusal, attempt.next)
    response = RedirectResponse(url, status_code=303, headers=_NOT_STORED)
    response.set_cookie(
        ATTEMPT_COOKIE,
        attempt.encode(),
        max_age=ATTEMPT_LIFETIME_S,
        path=OIDC_PATH,
        secure=redirect_url.startswith("https://"),
        httponly=True,
        samesite="lax",  # not strict, because the browser comes back from another site
    )
    return response


@router.get("/callback")
def finish_login(
    request: Request,
    provider: ProviderDep,
    settings: SettingsDep,
    sessions: AllSessionsDep,
    limiter: LimiterDep,
    state: _Text = "",
    code: _Text = "",
    error: _Text = "",
) -> Response:
    """Verify the answer of the provider, start the session of the browser, and open the page that it wanted."""
    attempt = LoginAttempt.parse(request.cookies.get(ATTEMPT_COOKIE, ""))
    redirect_url = _build_redirect_url(request, settings)
    next_address = "/" if attempt is None else attempt.next
    client = request.client.host if request.client else ""
    try:
        _check_failures(limiter, client)
        login_secrets = _check_answer(attempt, state, code, error).secrets
        identity = provider.load_identity(code, login_secrets, redirect_url)
        cookie = _start_session(sessions, identity, settings)
    except LoginRefused as refusal:
        from_thread.run_sync(limiter.add_failure, client)
        response = _build_refusal_page(refusal, next_address)
    else:
        response = _build_forwarding_page(next_address)
        set_session_cookie(response, cookie, settings.session_s, is_secure=redirect_url.startswith("https://"))
    response.delete_cookie(ATTEMPT_COOKIE, path=OIDC_PATH)
    return response


def _check_failures(limiter: LoginLimiter, client: str) -> None:
    """Check that an address has not failed too often: each attempt lets the server send requests to the provider.

    Raises:
        LoginRefused: it must wait.

    """
    if (wait_s := from_thread.run_sync(limiter.compute_wait, client)) > 0:
        raise LoginRefused(RefusalCode.TOO_MANY_LOGINS, f"Too many logins failed. Try again in {math.ceil(wait_s)} s.")


def _build_redirect_url(request: Request, settings: Settings) -> str:
    """Return the address of `/callback`, as the browser reaches it and the provider knows it."""
    scheme = "https" if uses_https(request) else request.url.scheme
    return settings.oidc_redirect_url or f"{scheme}://{request.url.netloc}{OIDC_PATH}/callback"


def _check_answer(attempt: LoginAttempt | None, state: str, code: str, error: str) -> LoginAttempt:
    """Return the attempt that the provider answers.

    Raises:
        LoginRefused: this browser has not started it, or the provider refuses.

    """
    if attempt is None or not hmac.compare_digest(state.encode(), attempt.secrets.state.encode()):
        raise LoginRefused(RefusalCode.UNKNOWN_LOGIN, "This browser has not started this login, or too long ago.")
    if error or not code:
        raise LoginRefused(RefusalCode.PROVIDER_REFUSED, f"The identity provider refused the login ({error[:80]!a}).")
    return attempt


def _start_session(sessions: SessionFactory, identity: Identity, settings: Settings) -> str:
    """Start a session of the user of an identity, and return its cookie.

    Raises:
        LoginRefused: there is no such user, or an admin has disabled them.

    """
    with sessions.begin() as session:
        user = accounts.find_account(session, identity)
        if user is None and settings.oidc_create_users:
            user = accounts.create_account(session, identity)
        if user is None:
            raise accounts.build_no_account(identity)
        issued = tokens.start_user_session(session, user.id, _SESSION_NAME, settings.session_s)
        recording.set_user(session, user, issued.token)
        return issued.text


def _build_forwarding_page(address: str) -> Response:
    """Return a page that opens an address of this site.

    A redirect would count as one by the provider's site, so that the browser would not send the session along.
    """
    link = escape(address)
    content = _render_page(
        "Logged in", f'<p><a href="{link}">Continue</a></p>', f'<meta http-equiv="refresh" content="0;url={link}">'
    )
    return HTMLResponse(content, headers=_NOT_STORED)


def _build_refusal_page(refusal: LoginRefused, next_address: str) -> Response:
    link = escape(f"/login?reason={refusal.code}&next={quote(next_address, safe='/')}")
    body = f'<p>{escape(str(refusal))}</p><p><a href="{link}">Back to the login</a></p>'
    content = _render_page("Login refused", body)
    headers = {**_NOT_STORED, "X-Stackyard-Code": refusal.code}
    return HTMLResponse(content, status_code=_STATUSES[refusal.code], headers=headers)


def _render_page(title: str, body: str, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
