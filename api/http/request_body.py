"""Reading a request body, with its media type checked and its size limited."""

from typing import Annotated, TypeVar

from fastapi import Depends, Request

from api.app_state import get_app_state
from service.errors import TooLarge, UnsupportedMediaType
from stackyard.spec.base import SpecModel
from stackyard.spec.reading.json_document import decode_json_object
from stackyard.spec.reading.spec_parser import validate_document

Body = TypeVar("Body", bound=SpecModel)

_JSON = "application/json"
_BODY_NAME = "The body"


async def _read_limited_json_body(request: Request) -> bytes:
    # The settings are read directly, because every further dependency slows each request down.
    return await read_json_body(request, get_app_state(request).settings.limits.max_json_bytes)


async def read_json_body(request: Request, limit: int) -> bytes:
    """Read the body of a JSON request.

    Args:
        request: a request whose body has not been read.
        limit: maximum size in bytes.

    Raises:
        UnsupportedMediaType: the content type is not JSON. Any web page can make a browser send other types to a
            server on loopback, but not this one.
        TooLarge: the body exceeds the limit.

    """
    _, body = await read_body(request, (_JSON,), limit)
    return body


def parse_body(model: type[Body], body: bytes) -> Body:
    """Return a JSON body as an object of a model.

    Raises:
        SpecError: with all faults of the body, at pointers into it: also for a key that occurs twice, and for numbers
            that are not finite.

    """
    return validate_document(model, decode_json_object(body))


async def _read_optional_json_body(request: Request) -> bytes:
    """Read the body of a JSON request; a request without a body counts as an empty object.

    Raises:
        UnsupportedMediaType: as `read_json_body`, if there is a body.
        TooLarge: as `read_json_body`.

    """
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return b"{}"
    return await _read_limited_json_body(request)


async def read_body(request: Request, media_types: tuple[str, ...], limit: int) -> tuple[str, bytes]:
    """Read a body, and return its media type and its bytes.

    Args:
        request: a request whose body has not been read.
        media_types: allowed media types, in lower case.
        limit: maximum size in bytes.

    Raises:
        UnsupportedMediaType: the media type is not allowed.
        TooLarge: the body, or its `Content-Length`, exceeds the limit.

    """
    received = request.headers.get("content-type", "")
    media_type = received.partition(";")[0].strip().lower()
    if media_type not in media_types:
        raise UnsupportedMediaType(received[:100], media_types)
    check_content_length(request, limit, _BODY_NAME)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(_BODY_NAME, limit)
    return media_type, bytes(body)


def check_content_length(request: Request, limit: int, body_name: str) -> None:
    """Check the `Content-Length` before the body is read.

    Raises:
        TooLarge: the `Content-Length` exceeds the limit.

    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > len(str(limit)) or int(announced) > limit):
        raise TooLarge(body_name, limit)


JsonBody = Annotated[bytes, Depends(_read_limited_json_body)]
OptionalJsonBody = Annotated[bytes, Depends(_read_optional_json_body)]
