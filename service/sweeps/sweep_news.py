"""What changed in all sweeps since the last look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import DeletedSweep, Sweep
from service.db.database import get_current_time
from service.sweeps.queries import SweepDetails, load_sweep_details

_OVERLAP = timedelta(seconds=10)
"""A transaction sets the time of its changes before it commits. Each look reads so far back for late commits."""
_LIFETIME = timedelta(hours=1)
"""How long the deletion of a sweep is kept. Readers of changes read them every second."""
_MAX_SWEEPS = 50


class _Change(NamedTuple):
    """The time of a change or of a deletion of a sweep."""

    sweep_id: UUID
    project_id: UUID
    at: datetime


@dataclass(frozen=True)
class SweepNews:
    """The sweeps that changed, and the ids of deleted ones with their projects."""

    changed: Sequence[SweepDetails] = ()
    deleted: Sequence[tuple[UUID, UUID]] = ()


class SweepNewsReader:
    """Reads news of all sweeps. One thread at a time uses it.

    Args:
        max_sweeps: maximum number of changed sweeps in one piece of news; the next piece has the others.

    """

    def __init__(self, *, max_sweeps: int = _MAX_SWEEPS) -> None:
        self._max_sweeps = max_sweeps
        self._since: datetime | None = None
        self._seen: frozenset[_Change] = frozenset()
        self._pending: dict[UUID, None] = {}

    def read_news(self, session: Session) -> SweepNews:
        """Return what changed since the last look; nothing at the first one."""
        is_first, timestamp = self._since is None, get_current_time(session)
        horizon = (self._since or timestamp) - _OVERLAP
        changes = _load_changes(session, Sweep, Sweep.changed_at, horizon)
        deletions = _load_changes(session, DeletedSweep, DeletedSweep.deleted_at, horizon)
        fresh = (changes | deletions) - self._seen
        self._since, self._seen = timestamp, changes | deletions
        if is_first:
            return SweepNews()
        deleted = {(change.sweep_id, change.project_id) for change in fresh & deletions}
        self._pending |= dict.fromkeys(change.sweep_id for change in fresh & changes)
        chosen = list(self._pending)[: self._max_sweeps]
        self._pending = dict.fromkeys(list(self._pending)[self._max_sweeps :])
        sweeps = session.scalars(select(Sweep).where(Sweep.id.in_(chosen)).order_by(Sweep.id)).all() if chosen else ()
        return SweepNews(tuple(load_sweep_details(session, sweeps)), tuple(sorted(deleted)))


def delete_old_deletions(session: Session) -> None:
    """Delete the records of deletions that every reader has read."""
    session.execute(delete(DeletedSweep).where(DeletedSweep.deleted_at < get_current_time(session) - _LIFETIME))


def _load_changes(
    session: Session, table: type[Sweep | DeletedSweep], time: InstrumentedAttribute[datetime], since: datetime
) -> frozenset[_Change]:
    rows = session.execute(select(table.id, table.project_id, time).where(time >= since))
    return frozenset(_Change(*row) for row in rows)
