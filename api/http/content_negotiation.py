"""Choosing a media type by the Accept header (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence

from starlette.exceptions import HTTPException


def choose(accept: str, offered: Sequence[str]) -> str:
    """The offered type that the client likes best; the first where it does not say.

    Args:
        accept: the header's value, `*/*` or empty where there was none.
        offered: media types without parameters, the default first.

    Raises:
        HTTPException: 406, for the client accepts none of them.

    """
    liked = {media_type: _quality(accept, media_type) for media_type in offered}
    best = max(offered, key=lambda media_type: liked[media_type])
    if liked[best] <= 0:
        raise HTTPException(406, f"Offered are {', '.join(offered)}.")
    return best


def _quality(accept: str, media_type: str) -> float:
    """The quality of the most specific range that covers `media_type`, 0 where none does."""
    ranges = [_parse(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    kind = media_type.partition("/")[0]
    for pattern in (media_type, f"{kind}/*", "*/*"):
        for name, quality in ranges:
            if name == pattern:
                return quality
    return 0.0


def _parse(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0
