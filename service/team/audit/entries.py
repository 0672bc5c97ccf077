"""The list of the audit's entries, and the deletion of old ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.orm import Session

from models import AuditEntry
from service.db import pagination
from service.db.database import SessionFactory, get_current_time
from service.db.pagination import Page

_EXPORT_PAGE = 1000
_DELETION_BATCH = 1000
_MAX_DELETION_BATCHES = 100
"""Batches of one round; the next round continues."""
_FIRST_REFUSAL_STATUS = 400
_CLOCK_TOLERANCE = timedelta(hours=1)
"""How far the clock of an API process, which is in ids, may be from that of the database."""
_TIME_BITS, _ID_BITS = 48, 128

Outcome = Literal["accepted", "refused"]


@dataclass(frozen=True)
class AuditFilter:
    """Conditions on entries; a field that is None matches all.

    Args:
        user_id: who made the request.
        project_id: the project of the object.
        action: the method and the route.
        object_id: the object of the request.
        outcome: whether the request was accepted or refused.
        since: the earliest time.
        until: the time before which it was.

    """

    user_id: UUID | None = None
    project_id: UUID | None = None
    action: str | None = None
    object_id: UUID | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_entries(session: Session, conditions: AuditFilter, *, limit: int, cursor: str | None) -> Page[AuditEntry]:
    """Return a page of entries, newest first.

    Raises:
        InvalidInput: `cursor` is not a valid cursor.

    """
    return pagination.fetch_page(session, _select_entries(conditions), AuditEntry.id, limit=limit, cursor=cursor)


def iterate_pages(sessions: SessionFactory, conditions: AuditFilter) -> Iterator[Sequence[AuditEntry]]:
    """Yield all entries in pages, newest first, each page in a transaction of its own.

    Entries that are added meanwhile are left out.
    """
    cursor = None
    while True:
        with sessions.read() as session:
            page = list_entries(session, conditions, limit=_EXPORT_PAGE, cursor=cursor)
        yield page.items
        cursor = page.next
        if cursor is None:
            return


def delete_old_entries(sessions: SessionFactory, days: float | None) -> int:
    """Delete entries that are older than a number of days, the oldest first, in short transactions.

    Returns:
        The number of deleted entries.

    """
    count = 0
    for _ in range(0 if days is None else _MAX_DELETION_BATCHES):
        with sessions.begin() as session:
            deleted = _delete_batch(session, timedelta(days=days or 0.0))
        count += deleted
        if deleted < _DELETION_BATCH:
            break
    return count


def _delete_batch(session: Session, age: timedelta) -> int:
    horizon = get_current_time(session) - age
    oldest = select(AuditEntry.id).where(AuditEntry.at < horizon).order_by(AuditEntry.at).limit(_DELETION_BATCH)
    ids = session.scalars(oldest).all()
    session.execute(delete(AuditEntry).where(AuditEntry.id.in_(ids)))
    return len(ids)


def _select_entries(conditions: AuditFilter) -> Select[AuditEntry]:
    columns = (
        (AuditEntry.user_id, conditions.user_id),
        (AuditEntry.action, conditions.action),
        (AuditEntry.object_id, conditions.object_id),
        (AuditEntry.project_id, conditions.project_id),
    )
    query = select(AuditEntry).where(*(column == value for column, value in columns if value is not None))
    if conditions.outcome is not None:
        is_refused = AuditEntry.status >= _FIRST_REFUSAL_STATUS
        query = query.where(is_refused if conditions.outcome == "refused" else ~is_refused)
    return query.where(*_build_time_conditions(conditions))


def _build_time_conditions(conditions: AuditFilter) -> list[ColumnElement[bool]]:
    """Return the conditions on the time, and those on ids that keep a page from reading all older entries."""
    found: list[ColumnElement[bool]] = []
    if conditions.since is not None:
        found += [
            AuditEntry.at >= conditions.since,
            AuditEntry.id >= _build_first_id(conditions.since, -_CLOCK_TOLERANCE),
        ]
    if conditions.until is not None:
        found += [
            AuditEntry.at < conditions.until,
            AuditEntry.id < _build_first_id(conditions.until, _CLOCK_TOLERANCE),
        ]
    return found


def _build_first_id(time: datetime, difference: timedelta) -> UUID:
    """Return the smallest UUIDv7 of the time that is `difference` later."""
    milliseconds = int((time - datetime(1970, 1, 1, tzinfo=UTC) + difference) / timedelta(milliseconds=1))
    in_range = min(max(milliseconds, 0), 2**_TIME_BITS - 1)
    return UUID(int=in_range << (_ID_BITS - _TIME_BITS))
