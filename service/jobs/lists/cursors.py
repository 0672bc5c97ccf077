"""Cursors of sorted lists: the value and the id of the last job of a page, and the order that they belong to."""

import base64
import binascii
import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from service.errors import InvalidInput
from service.jobs.lists.job_order import JobOrder
from stackyard.spec import Fault

MAX_CURSOR_LENGTH = 4000
"""More characters than a cursor with the longest name of a job has."""
_MAX_RECEIVED_LENGTH = 80


@dataclass(frozen=True)
class Position:
    """The last job of a page. `value` is None if the job does not have the value that the list is sorted by."""

    value: Any
    job_id: UUID


def encode_cursor(order: JobOrder, position: Position) -> str:
    """Return the cursor of the page after a position."""
    value = position.value.isoformat() if isinstance(position.value, datetime) else position.value
    document = json.dumps([order.sort, order.is_descending, value, position.job_id.hex], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def decode_cursor(order: JobOrder, cursor: str) -> Position:
    """Return the position of a cursor.

    Raises:
        InvalidInput: the cursor is not one of a list in this order.

    """
    try:
        sort, is_descending, value, job_id = json.loads(_decode_base64(cursor))
        position = Position(_parse_value(order, value), UUID(hex=job_id))
    except (binascii.Error, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise _build_error("Expected the `next` of an earlier page.", cursor) from None
    if (sort, is_descending) != (order.sort, order.is_descending):
        raise _build_error("Expected the `next` of a page with the same `sort` and `order`.", cursor)
    return position


def _parse_value(order: JobOrder, value: Any) -> Any:
    if value is None or order.column is None:
        return None
    parsed = order.column.parse_value(value)
    if isinstance(parsed, float) and not math.isfinite(parsed):
        raise ValueError("a value in a cursor is finite")
    return parsed


def _decode_base64(cursor: str) -> bytes:
    return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)


def _build_error(message: str, cursor: str) -> InvalidInput:
    return InvalidInput((Fault(pointer="/cursor", message=message, received=cursor[:_MAX_RECEIVED_LENGTH]),))
