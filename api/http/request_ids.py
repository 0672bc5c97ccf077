"""Ids of requests. A response, its problem document, and each line of the log about the request have the same id."""

import re
import secrets

import structlog
from starlette.types import Scope

REQUEST_ID_HEADER = "X-Request-ID"
_RAW_HEADER = REQUEST_ID_HEADER.lower().encode()
_VARIABLE = "request_id"
_FORMAT = re.compile(rb"[A-Za-z0-9._:=+/@~-]{1,128}")
"""Ids that are short, and safe in a header, in JSON and on a terminal."""
_NEW_BYTES = 16


def create_request_id() -> str:
    """Return a new random id."""
    return secrets.token_hex(_NEW_BYTES)


def choose_request_id(scope: Scope) -> str:
    """Return the id that the client sent in `X-Request-ID` if it is well-formed, otherwise a new one."""
    received = [value for name, value in scope["headers"] if name == _RAW_HEADER]
    if len(received) == 1 and _FORMAT.fullmatch(received[0]):
        return received[0].decode("ascii")
    return create_request_id()


def get_request_id() -> str | None:
    """Return the id of the request that this task or thread works on; None outside of a request."""
    return structlog.contextvars.get_contextvars().get(_VARIABLE)
