"""Keyset pagination: a page begins after the last id of the one before, whatever was added meanwhile."""

import base64
import binascii
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.errors import Invalid
from stackyard.spec import Problem

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, newest first, and the cursor of the page after them, if there is one."""

    items: tuple[Row, ...]
    next: str | None


def fetch(
    session: Session,
    query: Select[Row],
    key: InstrumentedAttribute[UUID],
    *,
    limit: int,
    cursor: str | None,
) -> Page[Row]:
    """One page of `query`, newest id first.

    Args:
        session: to read in.
        query: rows to choose from, not yet ordered.
        key: the rows' UUIDv7 id.
        limit: the most rows on the page, at least 1.
        cursor: `Page.next` of the page before, or None for the first.

    Raises:
        Invalid: `cursor` is not one that was given out.

    """
    if cursor is not None:
        query = query.where(_before(key, cursor))
    rows = session.scalars(query.order_by(key.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    items = tuple(rows[:limit])
    return Page(items, _encode(getattr(items[-1], key.key)) if more else None)


def _before(key: InstrumentedAttribute[UUID], cursor: str) -> ColumnElement[bool]:
    try:
        last = UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise Invalid(
            (Problem(pointer="/cursor", message="Expected the `next` of an earlier page.", received=cursor[:80]),),
        ) from None
    return key < last


def _encode(last: UUID) -> str:
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")
