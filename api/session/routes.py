"""Routes of `/v1/session`: log in with the token, log out, and say whether a login is required."""

import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.app_state import get_app_state
from api.http.auth import has_session
from api.http.problem_documents import RESPONSES, create_problem_response
from api.http.request_body import read_body
from api.http.session_cookie import COOKIE_NAME, SessionSigner
from api.session.login_limiter import LoginLimiter

SESSION_PATH = "/v1/session"
_MAX_BODY_BYTES = 16 * 2**10
"""A stranger may send it, so that it is small."""
_OPEN: dict[str, Any] = {"security": []}
"""OpenAPI fields of an operation that needs no login."""

router = APIRouter(prefix=SESSION_PATH, tags=["session"], responses=RESPONSES)


class LoginRequest(BaseModel):
    """The server's token, which a session replaces in the browser."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: Annotated[str, Field(description="The server's STACKYARD_TOKEN.")]


class SessionView(BaseModel):
    """Whether the server has a token, and whether the browser that asks has a session."""

    login_required: bool
    logged_in: bool


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


async def _get_signer(request: Request) -> SessionSigner | None:
    return get_app_state(request).session_signer


async def _get_limiter(request: Request) -> LoginLimiter:
    return get_app_state(request).login_limiter


SignerDep = Annotated[SessionSigner | None, Depends(_get_signer)]
LoginDep = Annotated[LoginRequest, Depends(_read_login)]
LimiterDep = Annotated[LoginLimiter, Depends(_get_limiter)]


@router.get("", openapi_extra=_OPEN)
async def get_session(request: Request, signer: SignerDep) -> SessionView:
    """Say whether a login is required, and whether the browser has logged in."""
    return SessionView(
        login_required=signer is not None, logged_in=signer is not None and has_session(request.headers, signer)
    )


@router.post("", status_code=204, openapi_extra=_OPEN | _LOGIN_BODY)
async def log_in(login: LoginDep, request: Request, signer: SignerDep, limiter: LimiterDep) -> Response:
    """Log in with the server's token. The response sets the cookie of a session, which the browser sends by itself.

    After ten wrong tokens within a minute, an address must wait. A server without a token needs no login.
    """
    if signer is None:
        return Response(status_code=204)
    client = request.client.host if request.client else ""
    if (wait_s := limiter.compute_wait(client)) > 0:
        return _refuse_attempt(wait_s)
    if not signer.is_token(login.token.strip().encode(errors="replace")):
        limiter.add_failure(client)
        return create_problem_response(401, code="wrong_token", detail="This is not the token of the server.")
    return _start_session(request, signer)


@router.delete("", status_code=204, openapi_extra=_OPEN)
async def log_out(request: Request) -> Response:
    """Log out: the browser forgets the cookie. It needs no session."""
    response = Response(status_code=204)
    response.delete_cookie(COOKIE_NAME, secure=_is_secure(request), httponly=True, samesite="strict")
    return response


def _start_session(request: Request, signer: SessionSigner) -> Response:
    response = Response(status_code=204)
    response.set_cookie(
        COOKIE_NAME,
        signer.issue_cookie(),
        max_age=int(signer.lifetime_s),
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return response


def _refuse_attempt(wait_s: float) -> Response:
    seconds = math.ceil(wait_s)
    return create_problem_response(
        429,
        code="too_many_logins",
        detail=f"Your address sent too many wrong tokens. Try again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )


def _is_secure(request: Request) -> bool:
    """Return whether the browser uses https. Behind a proxy, only the browser's `Origin` says so."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
