"""Jobs that ended long ago, and the files that nobody names any more."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models import TERMINAL_STATES, Job
from service.db.database import Sessions, now
from service.jobs import jobs
from service.settings import Settings
from service.storage import file_references
from service.storage.artifact_store import ArtifactStore

_AT_ONCE = 50
"""Jobs that are deleted in one transaction: their histories may have many rows, and others wait to write."""
_MOST_A_ROUND = 1000

log = structlog.get_logger()


def tidy(sessions: Sessions, store: ArtifactStore, settings: Settings) -> None:
    """One round: delete the jobs that are too old to be kept, and remove the files that nobody names any more.

    Safe for any number of processes at once, with no leader.
    """
    if settings.retention_days is not None:
        deleted = _expire_all(sessions, settings.retention_days)
        if deleted:
            log.info("jobs deleted for their age", action="jobs_expired", count=deleted)
    if removed := file_references.collect(sessions, store, grace_s=settings.discard_grace_s):
        log.info("files removed", action="files_collected", count=removed)


def expire(session: Session, *, days: float) -> int:
    """Delete some of the jobs that ended more than so many days ago; how many, 0 when none is left."""
    old = session.scalars(_expired(session, days).limit(_AT_ONCE).with_for_update(skip_locked=True)).all()
    jobs.remove_all(session, old)
    return len(old)


def _expire_all(sessions: Sessions, days: float) -> int:
    deleted = 0
    while deleted < _MOST_A_ROUND:
        with sessions.read() as session:
            there = session.scalar(_expired(session, days).limit(1)) is not None
        if not there:
            break
        with sessions.begin() as session:
            deleted += expire(session, days=days)
    return deleted


def _expired(session: Session, days: float) -> Select[UUID]:
    horizon = now(session) - timedelta(days=days)
    # What ended before then was also made before then, and of that little is left: the ids are read no further.
    return select(Job.id).where(
        Job.id < _first_id_of(horizon),
        Job.state.in_(TERMINAL_STATES),
        Job.finished_at < horizon,
    )


def _first_id_of(moment: datetime) -> UUID:
    """No UUIDv7 of an earlier millisecond is as great."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
