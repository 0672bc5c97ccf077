"""Conditional requests by ETag (RFC 9110, section 13.1.2)."""

from typing import Annotated

from fastapi import Header

IfNoneMatch = Annotated[str, Header(alias="If-None-Match", include_in_schema=False)]


def matches_etag(if_none_match: str, etag: str) -> bool:
    """Return whether `If-None-Match`, a list of tags or `*`, contains the tag."""
    return not {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}.isdisjoint({etag, "*"})
