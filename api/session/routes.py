"""Routes of `/v1/session`: log in with a token, log out, and say whether a login is required."""

import math
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from api.access.authenticator import Carrier
from api.access.session_cookie import COOKIE_NAME
from api.app_state import AllSessionsDep, AuthenticatorDep, SettingsDep, get_app_state
from api.http.problem_documents import RESPONSES, create_problem_response
from api.http.request_body import read_body
from api.session.login_cookie import set_session_cookie, uses_https
from api.session.login_limiter import LoginLimiter
from models import TokenKind
from service.db.database import SessionFactory
from service.team import authentication, tokens
from service.team.audit import recording

SESSION_PATH = "/v1/session"
OIDC_PATH = f"{SESSION_PATH}/oidc"
_MAX_BODY_BYTES = 16 * 2**10
"""A stranger may send it, so that it is small."""
_OPEN: dict[str, Any] = {"security": []}
"""OpenAPI fields of an operation that needs no login."""

router = APIRouter(prefix=SESSION_PATH, tags=["session"], responses=RESPONSES)


class LoginRequest(BaseModel):
    """A token, which a session replaces in the browser."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: Annotated[str, Field(description="The token of a user, or the server's STACKYARD_TOKEN.")]


class SessionView(BaseModel):
    """Whether the server requires a login, whether the browser that asks has a session, and whose.

    `oidc_login` is the address that starts a login through an identity provider, or null without one.
    """

    login_required: bool
    logged_in: bool
    has_users: bool
    user: str | None
    role: Literal["member", "admin"] | None
    oidc_login: str | None


_LOGIN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": LoginRequest.model_json_schema(),
                "example": {"token": "a long random string"},
            }
        },
    },
}
"""OpenAPI fields of the operation whose body is a `LoginRequest`."""


async def _read_login(request: Request) -> LoginRequest:
    _, body = await read_body(request, ("application/json",), _MAX_BODY_BYTES)
    try:
        return LoginRequest.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from None


async def _get_limiter(request: Request) -> LoginLimiter:
    return get_app_state(request).login_limiter


LoginDep = Annotated[LoginRequest, Depends(_read_login)]
LimiterDep = Annotated[LoginLimiter, Depends(_get_limiter)]


@router.get("", openapi_extra=_OPEN)
async def get_session(request: Request, authenticator: AuthenticatorDep, settings: SettingsDep) -> SessionView:
    """Say whether a login is required, and whether the browser has logged in, and as which user."""
    login_required = await authenticator.requires_login()
    identity = await authenticator.identify(request.headers)
    principal = identity.principal
    is_known = principal is not None
    return SessionView(
        login_required=login_required,
        logged_in=login_required and is_known and identity.carrier is Carrier.SESSION,
        has_users=await authenticator.has_users(),
        user=None if principal is None else principal.user_name,
        role=None if principal is None else "admin" if principal.is_admin else "member",
        oidc_login=f"{OIDC_PATH}/start" if settings.oidc_issuer else None,
    )


@router.post("", status_code=204, openapi_extra=_OPEN | _LOGIN_BODY)
async def log_in(
    login: LoginDep,
    request: Request,
    authenticator: AuthenticatorDep,
    sessions: AllSessionsDep,
    settings: SettingsDep,
    limiter: LimiterDep,
) -> Response:
    """Log in with a token. The response sets the cookie of a session, which the browser sends by itself.

    After ten wrong tokens within a minute, an address must wait. A server without users and token needs no login.
    """
    if not await authenticator.requires_login():
        return Response(status_code=204)
    client = request.client.host if request.client else ""
    if (wait_s := limiter.compute_wait(client)) > 0:
        return _refuse_attempt(wait_s)
    token = login.token.strip()
    signer = get_app_state(request).session_signer
    if signer is not None and signer.is_token(token.encode(errors="replace")):
        return build_login_response(request, signer.issue_cookie(), settings.session_s)
    cookie = await run_in_threadpool(_start_session, sessions, token, settings.session_s)
    if cookie is None:
        limiter.add_failure(client)
        return create_problem_response(401, code="wrong_token", detail="This is not a valid token of the server.")
    return build_login_response(request, cookie, settings.session_s)


@router.delete("", status_code=204, openapi_extra=_OPEN)
async def log_out(request: Request, sessions: AllSessionsDep) -> Response:
    """Log out: the browser forgets the cookie, and the session of a user ends. It needs no session."""
    cookie = request.cookies.get(COOKIE_NAME, "")
    if cookie:
        await run_in_threadpool(_end_session, sessions, cookie)
    response = Response(status_code=204)
    response.delete_cookie(COOKIE_NAME, secure=uses_https(request), httponly=True, samesite="strict")
    return response


def build_login_response(request: Request, cookie: str, lifetime_s: float) -> Response:
    """Return a response without a body that sets the cookie of a session."""
    response = Response(status_code=204)
    set_session_cookie(response, cookie, lifetime_s, is_secure=uses_https(request))
    return response


def _start_session(sessions: SessionFactory, text: str, lifetime_s: float) -> str | None:
    """Start a session with the token of a user, and return its cookie; None if the token is not valid."""
    with sessions.read() as session:
        if authentication.find_token(session, text, TokenKind.PERSONAL) is None:
            return None
    with sessions.begin() as session:
        found = authentication.find_token(session, text, TokenKind.PERSONAL, keep=True)
        if found is None:
            return None
        issued = tokens.start_session(session, found[0], lifetime_s)
        recording.set_user(session, found[1], issued.token)
        return issued.text


def _end_session(sessions: SessionFactory, cookie: str) -> None:
    with sessions.read() as session:
        if not _is_user_session(session, cookie):
            return
    with sessions.begin() as session:
        found = authentication.find_token(session, cookie, TokenKind.SESSION)
        if found is not None:
            recording.set_user(session, found[1], found[0])
            recording.set_object(session, found[0].id, None)
            tokens.revoke_token(session, found[0])


def _is_user_session(session: Session, cookie: str) -> bool:
    return authentication.find_token(session, cookie, TokenKind.SESSION) is not None


def _refuse_attempt(wait_s: float) -> Response:
    seconds = math.ceil(wait_s)
    return create_problem_response(
        429,
        code="too_many_logins",
        detail=f"Your address sent too many wrong tokens. Try again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )
