"""Problem documents (RFC 9457), and the table that maps errors of `service` to HTTP statuses."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import Match

from api.http.request_ids import get_request_id
from api.http.security_headers import SECURITY_HEADERS
from service.db.database import DATABASE_UNAVAILABLE_ERRORS
from service.errors import (
    Conflict,
    CorruptFile,
    Forbidden,
    InvalidInput,
    NotFound,
    ServiceError,
    StorageError,
    StorageFull,
    StorageLimitReached,
    TooLarge,
    TooManyRequests,
    Unavailable,
    UnsupportedMediaType,
)
from stackyard.spec import Fault, SpecError

MEDIA_TYPE = "application/problem+json"

_STATUS: dict[type[Exception], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    SpecError: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    StorageError: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    StorageLimitReached: HTTPStatus.INSUFFICIENT_STORAGE,
    CorruptFile: HTTPStatus.CONFLICT,
}
_SPECIFIC_CODES: dict[type[Exception], str] = {
    StorageError: "storage_unavailable",
    StorageFull: "storage_full",
    StorageLimitReached: "storage_limit_reached",
    CorruptFile: "file_damaged",
}
"""Codes that are more specific than the name of their status."""
_RETRYABLE = (Unavailable, TooManyRequests, StorageError)
"""Errors after which the same request may succeed later."""
_STABLE_CODES = {413: "too_large", 422: "invalid"}
"""Codes of statuses whose names differ between releases of Python."""
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_RETRY_AFTER_S = "5"

log = structlog.get_logger()


class ProblemView(BaseModel):
    """A problem document. `errors` lists the faults that have a place in the request.

    `request_id` is also in the header `X-Request-ID` of the response, and in the lines of the server's log.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[Fault] = []
    request_id: str | None = None


RESPONSES: dict[int | str, dict[str, Any]] = {
    code: {"model": ProblemView, "content": {MEDIA_TYPE: {}}} for code in (401, 403, 404, 409, 413, 415, 422, 429)
}
"""The error responses of every route in the OpenAPI document."""


def create_problem_response(
    status: int,
    *,
    code: str,
    detail: str,
    errors: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a response with a problem document.

    Args:
        status: HTTP status.
        code: a word for programs, the same in all versions.
        detail: a sentence for people.
        errors: faults, each with a pointer into the request.
        headers: additional headers.

    """
    view = _build_view(status, code, detail, errors)
    content = view.model_dump(mode="json", exclude_unset=not errors)
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


def install_error_handlers(app: FastAPI) -> None:
    """Register handlers that answer every error of `app` with a problem document."""
    app.add_exception_handler(ServiceError, _handle_service_error)
    app.add_exception_handler(SpecError, _handle_service_error)
    app.add_exception_handler(RequestValidationError, _handle_invalid_parameters)
    app.add_exception_handler(HTTPException, _handle_http_error)
    app.add_exception_handler(ClientDisconnect, _handle_disconnect)
    for error in DATABASE_UNAVAILABLE_ERRORS:
        app.add_exception_handler(error, _handle_database_unavailable)
    app.add_exception_handler(Exception, _handle_unexpected_error)


def build_problem(error: ServiceError | SpecError) -> ProblemView:
    """Return the problem document of an error of `service`."""
    kind = next(kind for kind in type(error).__mro__ if kind in _STATUS)
    status = _STATUS[kind]
    errors: tuple[Fault, ...] = error.faults if isinstance(error, (InvalidInput, SpecError)) else ()
    code = (
        error.code
        if isinstance(error, (Conflict, Forbidden, TooManyRequests, Unavailable))
        else _SPECIFIC_CODES.get(kind, _get_status_code(status))
    )
    return _build_view(status, code, _summarize_faults(errors) if errors else str(error), errors)


def create_error_response(error: ServiceError | SQLAlchemyError) -> JSONResponse:
    """Return the response to an error that a middleware meets, before a route is found."""
    if isinstance(error, ServiceError):
        view = build_problem(error)
        return create_problem_response(view.status, code=view.code, detail=view.detail, errors=view.errors)
    return _build_database_unavailable(error)


def _build_view(status: int, code: str, detail: str, errors: Sequence[Fault]) -> ProblemView:
    title = HTTPStatus(status).phrase
    view = ProblemView(type="about:blank", title=title, status=status, code=code, detail=detail, errors=list(errors))
    request_id = get_request_id()
    return view if request_id is None else view.model_copy(update={"request_id": request_id})


def _handle_service_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, (ServiceError, SpecError)):
        raise TypeError(f"expected an error of service, received {error!r}")
    view = build_problem(error)
    # The rest of a refused body stays unread, so the connection cannot serve another request.
    headers = {"Connection": "close"} if isinstance(error, TooLarge) else {}
    headers |= {"Retry-After": _RETRY_AFTER_S} if isinstance(error, _RETRYABLE) else {}
    return create_problem_response(
        view.status, code=view.code, detail=view.detail, errors=view.errors, headers=headers
    )


def _summarize_faults(errors: Sequence[Fault]) -> str:
    return (
        errors[0].message_with_fix
        if len(errors) == 1
        else f"{len(errors)} errors; the first: {errors[0].message_with_fix}"
    )


def _handle_invalid_parameters(_request: Request, error: Exception) -> JSONResponse:
    """Name the parameters. The received values are not repeated, because they may be anything."""
    faults: Sequence[dict[str, Any]] = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [
        Fault(pointer="/" + "/".join(str(key) for key in fault["loc"]), message=fault["msg"]) for fault in faults
    ]
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return create_problem_response(
        status, code=_get_status_code(status), detail=_summarize_faults(errors), errors=errors
    )


def _handle_http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise TypeError(f"expected an HTTPException, received {error!r}")
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _list_allowed_methods(request)):
        headers["Allow"] = ", ".join(methods)
    return create_problem_response(status, code=_get_status_code(status), detail=str(error.detail), headers=headers)


def _list_allowed_methods(request: Request) -> list[str]:
    """Return the methods of all routes of a path. FastAPI names only those of the first."""
    scope = request.scope
    return [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in scope["app"].routes)
    ]


def _handle_disconnect(request: Request, _error: Exception) -> JSONResponse:
    """Log one line. The response goes nowhere, but the server expects one."""
    log.info("client disconnected", action="client_disconnected", method=request.method, path=request.url.path)
    status = HTTPStatus.BAD_REQUEST
    return create_problem_response(status, code=_get_status_code(status), detail="The body ended early.")


def _handle_database_unavailable(_request: Request, error: Exception) -> JSONResponse:
    return _build_database_unavailable(error)


def _build_database_unavailable(error: Exception) -> JSONResponse:
    log.error("database unavailable", action="database_unavailable", error=str(error))
    return create_problem_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        code="database_unavailable",
        detail="The database does not answer. Repeat the request later; repeat a submit with its Idempotency-Key.",
        headers={"Retry-After": _RETRY_AFTER_S},
    )


def _handle_unexpected_error(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", action="unexpected_error", path=request.url.path, exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    # Starlette sends this response past the middleware that adds the headers to all others.
    return create_problem_response(
        status,
        code=_get_status_code(status),
        detail="The server failed; see its log.",
        headers=SECURITY_HEADERS,
    )


def _get_status_code(status: HTTPStatus) -> str:
    return _STABLE_CODES.get(status, status.name.lower())
