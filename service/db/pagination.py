"""Keyset pagination: each page starts after the last id of the previous page, even if rows are added meanwhile."""

import base64
import binascii
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.errors import InvalidInput
from stackyard.spec import Fault

Row = TypeVar("Row")
_ID_DIGITS = 32


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows, newest first, and the cursor of the next page; None on the last page."""

    items: tuple[Row, ...]
    next: str | None


def fetch_page(
    session: Session,
    query: Select[Row],
    key: InstrumentedAttribute[UUID],
    *,
    limit: int,
    cursor: str | None,
) -> Page[Row]:
    """Return one page of `query`, newest id first.

    Args:
        session: session to read in.
        query: the rows to paginate, without an order.
        key: the UUIDv7 column of the rows.
        limit: maximum number of rows on the page, at least 1.
        cursor: `Page.next` of the previous page, or None for the first page.

    Raises:
        InvalidInput: `cursor` is not a valid cursor.

    """
    rows = session.scalars(select_page(query, key, limit=limit, cursor=cursor)).all()
    has_next = len(rows) > limit
    items = tuple(rows[:limit])
    return Page(items, _encode_cursor(getattr(items[-1], key.key)) if has_next else None)


def select_page(
    query: Select[Row], key: InstrumentedAttribute[UUID], *, limit: int, cursor: str | None
) -> Select[Row]:
    """Return the statement for the rows of one page, and one more row if there is a next page.

    Raises:
        InvalidInput: `cursor` is not a valid cursor.

    """
    if cursor is not None:
        query = query.where(key < _decode_cursor(cursor))
    return query.order_by(key.desc()).limit(limit + 1)


def compute_id_range(prefix: str) -> tuple[UUID, UUID]:
    """Return the smallest and the largest id that start with these hexadecimal digits, at most 32."""
    return UUID(hex=prefix.ljust(_ID_DIGITS, "0")), UUID(hex=prefix.ljust(_ID_DIGITS, "f"))


def _decode_cursor(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise InvalidInput(
            (Fault(pointer="/cursor", message="Expected the `next` of an earlier page.", received=cursor[:80]),),
        ) from None


def _encode_cursor(last_id: UUID) -> str:
    return base64.urlsafe_b64encode(last_id.bytes).decode().rstrip("=")
