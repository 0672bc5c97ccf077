"""Constraints that the parameters of several routers share."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
"""A pattern that excludes control characters; PostgreSQL cannot store NUL in text."""

PageLimit = Annotated[int, Query(ge=1, le=200)]
"""The largest number of items that a page may have."""

MAX_REPEATS = 50
"""The largest number of values of a parameter that may be repeated. Each adds a condition to the query."""


def _normalize_time(value: datetime) -> datetime:
    """Return the time in UTC; a time without a zone, or a date alone, is already in UTC."""
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("time_range", "expected a time in the years 1 to 9999 of UTC") from None


UtcTime = Annotated[datetime, AfterValidator(_normalize_time)]
"""A time. Without a zone it is in UTC, and a date alone is its midnight."""

IdPrefix = Annotated[
    str | None, Query(pattern=r"^[0-9a-fA-F]{1,32}$", description="The first digits of ids, without hyphens.")
]

PageCursor = Annotated[str | None, Query(min_length=22, max_length=22, pattern=r"^[A-Za-z0-9_-]{21}[AQgw]$")]
"""The `next` of the page before; null for the first page."""
