"""A request's body as bytes: of the right type, and never more of it than the limit."""

from typing import Annotated

from fastapi import Depends, Request

from api.app_state import parts
from service.errors import TooLarge, UnsupportedMediaType

_JSON = "application/json"
_WHAT = "The body"


async def _json_body(request: Request) -> bytes:
    """Read the body.

    Raises:
        UnsupportedMediaType: it does not say that it is JSON. A browser can be made to send other types to a
            loopback server by any page it has open, but not this one.
        TooLarge: it is longer than the limit.

    """
    # Without a dependency of its own, of which each costs a request a tenth of a millisecond.
    _, body = await read_body(request, (_JSON,), parts(request).settings.limits.max_json_bytes)
    return body


async def read_body(request: Request, media_types: tuple[str, ...], limit: int) -> tuple[str, bytes]:
    """Read a body, and return its media type with it.

    Args:
        request: nothing of whose body has been read.
        media_types: what it may be, in lower case.
        limit: how many bytes it may have.

    Raises:
        UnsupportedMediaType: it is none of these.
        TooLarge: it says that it is, or turns out to be, longer than the limit.

    """
    received = request.headers.get("content-type", "")
    media_type = received.partition(";")[0].strip().lower()
    if media_type not in media_types:
        raise UnsupportedMediaType(received[:100], media_types)
    refuse_announced(request, limit, _WHAT)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(_WHAT, limit)
    return media_type, bytes(body)


def refuse_announced(request: Request, limit: int, what: str) -> None:
    """Refuse a body before any of it is read, where its Content-Length already says too much.

    Raises:
        TooLarge: it does.

    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > len(str(limit)) or int(announced) > limit):
        raise TooLarge(what, limit)


JsonBody = Annotated[bytes, Depends(_json_body)]
