"""What a client has already, by its ETag."""

from typing import Annotated

from fastapi import Header

IfNoneMatch = Annotated[str, Header(alias="If-None-Match", include_in_schema=False)]


def has(if_none_match: str, etag: str) -> bool:
    """Return whether a client's If-None-Match, a list of tags or `*`, names this tag."""
    return not {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}.isdisjoint({etag, "*"})
