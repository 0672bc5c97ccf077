"""What changed in all sweeps since the last look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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


@dataclass(frozen=True)
class SweepNews:
    """The sweeps that changed, and the ids of deleted ones."""

    changed: Sequence[SweepDetails] = ()
    deleted: Sequence[UUID] = ()


class SweepNewsReader:
    """Reads news of all sweeps. One thread at a time uses it.

    Args:
        max_sweeps: maximum number of changed sweeps in one piece of news; the next piece has the others.

    """

    def __init__(self, *, max_sweeps: int = _MAX_SWEEPS) -> None:
        self._max_sweeps = max_sweeps
        self._since: datetime | None = None
        self._seen: frozenset[tuple[UUID, datetime]] = frozenset()
        self._pending: dict[UUID, None] = {}

    def read_news(self, session: Session) -> SweepNews:
        """Return what changed since the last look; nothing at the first one."""
        is_first, timestamp = self._since is None, get_current_time(session)
        horizon = (self._since or timestamp) - _OVERLAP
        changes = _load_changes(session, Sweep.id, Sweep.changed_at, horizon)
        deletions = _load_changes(session, DeletedSweep.id, DeletedSweep.deleted_at, horizon)
        fresh = (changes | deletions) - self._seen
        self._since, self._seen = timestamp, changes | deletions
        if is_first:
            return SweepNews()
        deleted = {sweep_id for sweep_id, _ in fresh & deletions}
        self._pending |= dict.fromkeys(sweep_id for sweep_id, _ in fresh & changes)
        chosen = list(self._pending)[: self._max_sweeps]
        self._pending = dict.fromkeys(list(self._pending)[self._max_sweeps :])
        sweeps = session.scalars(select(Sweep).where(Sweep.id.in_(chosen)).order_by(Sweep.id)).all() if chosen else ()
        return SweepNews(tuple(load_sweep_details(session, sweeps)), tuple(sorted(deleted)))


def delete_old_deletions(session: Session) -> None:
    """Delete the records of deletions that every reader has read."""
    session.execute(delete(DeletedSweep).where(DeletedSweep.deleted_at < get_current_time(session) - _LIFETIME))


def _load_changes(
    session: Session, key: InstrumentedAttribute[UUID], time: InstrumentedAttribute[datetime], since: datetime
) -> frozenset[tuple[UUID, datetime]]:
    return frozenset((row[0], row[1]) for row in session.execute(select(key, time).where(time >= since)))
