"""Content negotiation by the `Accept` header (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence

from starlette.exceptions import HTTPException


def choose_media_type(accept: str, offered: Sequence[str]) -> str:
    """Return the offered media type that the client prefers, or the first if it has no preference.

    Args:
        accept: the value of the header; `*/*` or empty if the request has none.
        offered: media types without parameters, the default first.

    Raises:
        HTTPException: 406, if the client accepts none of them.

    """
    qualities = {media_type: _compute_quality(accept, media_type) for media_type in offered}
    best = max(offered, key=lambda media_type: qualities[media_type])
    if qualities[best] <= 0:
        raise HTTPException(406, f"Offered are {', '.join(offered)}.")
    return best


def _compute_quality(accept: str, media_type: str) -> float:
    """Return the quality of the most specific range that matches `media_type`, or 0 if none does."""
    ranges = [_parse_range(item) for item in accept.split(",") if item.strip()] or [("*/*", 1.0)]
    kind = media_type.partition("/")[0]
    for pattern in (media_type, f"{kind}/*", "*/*"):
        for name, quality in ranges:
            if name == pattern:
                return quality
    return 0.0


def _parse_range(text: str) -> tuple[str, float]:
    name, *parameters = (item.strip().lower() for item in text.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0
