"""Constraints that the parameters of several routers share."""

from typing import Annotated

from fastapi import Query

ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
"""A pattern that excludes control characters; PostgreSQL cannot store NUL in text."""

PageLimit = Annotated[int, Query(ge=1, le=200)]
"""The largest number of items that a page may have."""

PageCursor = Annotated[str | None, Query(max_length=100)]
"""The `next` of the page before; null for the first page."""
