"""Every error as a problem document (RFC 9457), and the one table that says what a service error is in HTTP."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from service.db.database import UNAVAILABLE
from service.errors import (
    Conflict,
    Damaged,
    Invalid,
    NotFound,
    ServiceError,
    StorageError,
    StorageFull,
    TooLarge,
    Unavailable,
    UnsupportedMediaType,
)
from stackyard.spec import Problem, SpecError

MEDIA_TYPE = "application/problem+json"

_STATUS: dict[type[Exception], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    SpecError: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageError: HTTPStatus.SERVICE_UNAVAILABLE,
    StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    Damaged: HTTPStatus.CONFLICT,
}
_WORDS: dict[type[Exception], str] = {
    StorageError: "storage_unavailable",
    StorageFull: "storage_full",
    Damaged: "file_damaged",
}
"""Codes that say more than their status does."""
_LATER = (Unavailable, StorageError)
"""What may be done when it is asked for again."""
_CODES = {413: "too_large", 422: "invalid"}
"""Where Python's own names for a status differ from one release to the next."""
_RETRY_AFTER_S = "5"

log = structlog.get_logger()


class ProblemView(BaseModel):
    """A problem document; `errors` is there where the fault has places."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[Problem] = []


RESPONSES: dict[int | str, dict[str, Any]] = {
    code: {"model": ProblemView, "content": {MEDIA_TYPE: {}}} for code in (401, 404, 409, 413, 415, 422)
}
"""What the OpenAPI document says of every route's refusals."""


def problem_response(
    status: int,
    *,
    code: str,
    detail: str,
    errors: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem document.

    Args:
        status: of the response.
        code: a word for programs, stable from version to version.
        detail: a sentence for people.
        errors: each fault at its place in what was sent.
        headers: to send with it.

    """
    view = ProblemView(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        errors=list(errors),
    )
    content = view.model_dump(mode="json", exclude_unset=not errors)
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""
    app.add_exception_handler(ServiceError, _refused)
    app.add_exception_handler(SpecError, _refused)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _http)
    for error in UNAVAILABLE:
        app.add_exception_handler(error, _unavailable)
    app.add_exception_handler(Exception, _unexpected)


def _refused(_request: Request, error: Exception) -> JSONResponse:
    kind = next(kind for kind in type(error).__mro__ if kind in _STATUS)
    status = _STATUS[kind]
    errors: tuple[Problem, ...] = error.problems if isinstance(error, (Invalid, SpecError)) else ()
    code = error.code if isinstance(error, (Conflict, Unavailable)) else _WORDS.get(kind, _code(status))
    detail = _count(errors) if errors else str(error)
    # What is left of a refused body is not read, so the connection cannot serve another request.
    headers = {"Connection": "close"} if isinstance(error, TooLarge) else {}
    headers |= {"Retry-After": _RETRY_AFTER_S} if isinstance(error, _LATER) else {}
    return problem_response(status, code=code, detail=detail, errors=errors, headers=headers)


def _count(errors: Sequence[Problem]) -> str:
    return errors[0].sentence if len(errors) == 1 else f"{len(errors)} errors; the first: {errors[0].sentence}"


def _bad_request(_request: Request, error: Exception) -> JSONResponse:
    """Name the parameter; what was received is not repeated, for it may be anything."""
    faults: Sequence[dict[str, Any]] = error.errors() if isinstance(error, RequestValidationError) else []
    errors = [
        Problem(pointer="/" + "/".join(str(part) for part in fault["loc"]), message=fault["msg"]) for fault in faults
    ]
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return problem_response(status, code=_code(status), detail=_count(errors), errors=errors)


def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise TypeError(f"expected an HTTPException, received {error!r}")
    status = HTTPStatus(error.status_code)
    return problem_response(status, code=_code(status), detail=str(error.detail), headers=error.headers)


def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    log.error("database unavailable", action="database_unavailable", error=str(error))
    return problem_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        code="database_unavailable",
        detail="The database does not answer. Repeat the request later, a submit by its Idempotency-Key.",
        headers={"Retry-After": _RETRY_AFTER_S},
    )


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", action="unexpected_error", path=request.url.path, exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return problem_response(status, code=_code(status), detail="The server failed; its log says how.")


def _code(status: HTTPStatus) -> str:
    return _CODES.get(status, status.name.lower())
