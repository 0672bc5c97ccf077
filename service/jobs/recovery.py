"""What puts right whatever a crash left behind. Safe for any number of processes at once, with no leader."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models import IdempotencyKey, Job, JobState
from service.db.database import now
from service.jobs import crashes, jobs, lifecycle
from service.jobs.crashes import Crash
from service.queue import worker_registry

_IDEMPOTENCY_KEYS_LAST = timedelta(days=1)


def lost_attempts(session: Session) -> Sequence[UUID]:
    """The jobs whose attempt's lease is over."""
    return session.scalars(select(Job.id).where(Job.state == JobState.RUNNING, Job.lease_until < now(session))).all()


def recover(session: Session, job_id: UUID) -> bool:
    """End a job's attempt if its lease is over: it was lost with its worker, which is not the job's fault.

    Returns:
        Whether it was; somebody else may have ended it, or renewed its lease.

    """
    job = session.scalar(
        select(Job)
        .where(Job.id == job_id, Job.state == JobState.RUNNING, Job.lease_until < now(session))
        .with_for_update(skip_locked=True),
    )
    if job is None:
        return False
    _end_lost(session, job, f"{job.worker} stopped renewing its lease in attempt {job.attempt}.")
    return True


def end_attempt_of(
    session: Session, *, worker_id: UUID, worker: str, crash: Crash | None, max_crashes: int
) -> str | None:
    """End the attempt of a process that has ended itself, if it left one, without waiting for its lease's end.

    Args:
        session: in a transaction that may write.
        worker_id: the `models.Worker` whose child the process was.
        worker: its host and process.
        crash: how it ended; None where it ended in order, and the attempt was lost with it.
        max_crashes: how often a job may take its process down.

    Returns:
        The queue in which the attempt's job had waited; None if there was no attempt.

    """
    job = session.scalar(
        select(Job)
        .where(Job.state == JobState.RUNNING, Job.worker_id == worker_id, Job.worker == worker)
        .with_for_update(),
    )
    if job is None:
        return None
    if crash is None:
        _end_lost(session, job, f"{worker} ended in attempt {job.attempt}.")
    else:
        crashes.end(session, job, crash, max_crashes=max_crashes)
    return job.queue


def attempts_of(session: Session, worker_id: UUID) -> dict[str, bool]:
    """The attempts of a worker: the host and process of each, and whether somebody wants it cancelled."""
    rows = session.execute(
        select(Job.worker, Job.cancel_requested).where(Job.state == JobState.RUNNING, Job.worker_id == worker_id)
    )
    return {row.worker: row.cancel_requested for row in rows}


def wake_ups_wanted(session: Session) -> dict[str, int]:
    """How many wake-ups each queue should hold in which jobs wait: one for each that has a place, and at least one."""
    waiting, running = (jobs.by_queue(session, state) for state in (JobState.QUEUED, JobState.RUNNING))
    places = worker_registry.places(session)
    return {
        queue: min(number, max(1, places.get(queue, 0) - running.get(queue, 0))) for queue, number in waiting.items()
    }


def forget_old_keys(session: Session) -> None:
    """Drop idempotency keys whose client has long stopped repeating."""
    horizon = now(session) - _IDEMPOTENCY_KEYS_LAST
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < horizon))


def _end_lost(session: Session, job: Job, message: str) -> None:
    why = lifecycle.reason("attempt_lost", message)
    lifecycle.let_go(session, job, why, lost_attempts=job.lost_attempts + 1)
