"""Delete jobs and checkpoints that are old, and remove files that no row refers to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from models import SWEEP_END_STATES, TERMINAL_STATES, Checkpoint, Job, JobState, Sweep
from service.db.database import SessionFactory, get_current_time
from service.jobs import controls, lifecycle
from service.settings import Settings
from service.storage import file_references
from service.storage.artifact_store import ArtifactStore

_BATCH_SIZE = 50
"""Jobs to delete in one transaction. Their histories may have many rows, and other writers wait meanwhile."""
_MAX_JOBS_PER_ROUND = 1000

log = structlog.get_logger()


def delete_expired_data(
    sessions: SessionFactory, store: ArtifactStore, settings: Settings, *, batch_size: int = _BATCH_SIZE
) -> None:
    """Run one round: delete jobs that are older than the retention period, and remove unreferenced files.

    Any number of processes may do so at once, without a leader.

    Args:
        sessions: of the installation's database.
        store: the store of the files.
        settings: for the retention period and the grace period of files.
        batch_size: the largest number of jobs to delete in one transaction.

    """
    if settings.retention_days is not None:
        deleted_jobs = _delete_expired_jobs(sessions, settings.retention_days, batch_size)
        if deleted_jobs:
            log.info("jobs deleted for their age", action="jobs_expired", count=deleted_jobs)
    if removed_files := file_references.garbage_collect(sessions, store, grace_s=settings.discard_grace_s):
        log.info("files removed", action="files_collected", count=removed_files)


def delete_final_checkpoints(sessions: SessionFactory, *, days: float) -> int:
    """Delete the checkpoints of jobs that succeeded longer than some days ago, and return their number."""
    count = 0
    while count < _MAX_JOBS_PER_ROUND:
        with sessions.begin() as session:
            job_ids = _lock_kept_checkpoints(session, days)
            for job_id in job_ids:
                lifecycle.delete_checkpoint(session, job_id)
        count += len(job_ids)
        if len(job_ids) < _BATCH_SIZE:
            break
    return count


def _lock_kept_checkpoints(session: Session, days: float) -> Sequence[UUID]:
    """Lock some of those jobs, so that none of them is continued meanwhile; return their ids."""
    horizon = get_current_time(session) - timedelta(days=days)
    query = (
        select(Job.id)
        .join(Checkpoint, Checkpoint.job_id == Job.id)
        .where(Checkpoint.created_at < horizon, Job.state == JobState.SUCCEEDED, Job.finished_at < horizon)
        .limit(_BATCH_SIZE)
    )
    return session.scalars(query.with_for_update(skip_locked=True, of=Job)).all()


def _delete_expired_jobs(sessions: SessionFactory, days: float, batch_size: int) -> int:
    count = 0
    while count < _MAX_JOBS_PER_ROUND:
        with sessions.read() as session:
            has_expired_jobs = session.scalar(_select_expired_jobs(session, days).limit(1)) is not None
        if not has_expired_jobs:
            break
        with sessions.begin() as session:
            count += _delete_batch(session, days, batch_size)
    return count


def _delete_batch(session: Session, days: float, batch_size: int) -> int:
    query = _select_expired_jobs(session, days).limit(batch_size).with_for_update(skip_locked=True)
    job_ids = session.scalars(query).all()
    controls.delete_jobs(session, job_ids)
    return len(job_ids)


def _select_expired_jobs(session: Session, days: float) -> Select[UUID]:
    horizon = get_current_time(session) - timedelta(days=days)
    # The results of a sweep that goes on stay, however long it takes.
    open_sweeps = select(Sweep.id).where(Sweep.state.not_in(SWEEP_END_STATES))
    # A job that ended before the horizon was also created before it. Few such jobs are left, so this bound on the id
    # keeps the query from reading the others.
    return select(Job.id).where(
        Job.id < _compute_first_id(horizon),
        Job.state.in_(TERMINAL_STATES),
        Job.finished_at < horizon,
        or_(Job.sweep_id.is_(None), Job.sweep_id.not_in(open_sweeps)),
    )


def _compute_first_id(timestamp: datetime) -> UUID:
    """Return a lower bound of the UUIDv7s of this millisecond: those of earlier milliseconds are smaller."""
    return UUID(int=int(timestamp.timestamp() * 1000) << 80)
