"""A JSON request body as bytes: of the right type, and never more of it than the limit."""

from typing import Annotated

from fastapi import Depends, Request

from api.dependencies import SettingsDep
from service.errors import TooLarge, UnsupportedMediaType

_JSON = "application/json"


async def _json_body(request: Request, settings: SettingsDep) -> bytes:
    """Read the body.

    Raises:
        UnsupportedMediaType: it does not say that it is JSON. A browser can be made to send other types to a
            loopback server by any page it has open, but not this one.
        TooLarge: it says that it is, or turns out to be, longer than the limit.

    """
    media_type = request.headers.get("content-type", "")
    if media_type.partition(";")[0].strip().lower() != _JSON:
        raise UnsupportedMediaType(media_type[:100], (_JSON,))
    limit = settings.limits.max_json_bytes
    refuse_announced(request, limit, "The body")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge("The body", limit)
    return bytes(body)


def refuse_announced(request: Request, limit: int, what: str) -> None:
    """Refuse a body before any of it is read, where its Content-Length already says too much.

    Raises:
        TooLarge: it does.

    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > len(str(limit)) or int(announced) > limit):
        raise TooLarge(what, limit)


JsonBody = Annotated[bytes, Depends(_json_body)]
