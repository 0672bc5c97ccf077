"""Repair what crashes leave behind. Any number of processes may do so at once, without a leader."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models import IdempotencyKey, Job, JobState
from service.db.database import get_current_time
from service.jobs import crashes, lifecycle, queries
from service.jobs.crashes import Crash
from service.queue import worker_registry

_IDEMPOTENCY_KEY_LIFETIME = timedelta(days=1)


def list_lost_attempts(session: Session) -> Sequence[UUID]:
    """Return the ids of the jobs whose attempt's lease has expired."""
    return session.scalars(
        select(Job.id).where(Job.state == JobState.RUNNING, Job.lease_until < get_current_time(session))
    ).all()


def end_attempt_if_lost(session: Session, job_id: UUID) -> bool:
    """End the attempt of a job if its lease has expired. The loss of a worker does not count against the job.

    Returns:
        Whether the attempt was ended. Another process may have ended it, or the worker has renewed its lease.

    """
    job = session.scalar(
        select(Job)
        .options(*queries.WITHOUT_DOCUMENTS)
        .where(Job.id == job_id, Job.state == JobState.RUNNING, Job.lease_until < get_current_time(session))
        .with_for_update(skip_locked=True),
    )
    if job is None:
        return False
    _end_lost_attempt(session, job, f"{job.worker} stopped renewing its lease in attempt {job.attempt}.")
    return True


def end_process_attempt(
    session: Session, *, worker_id: UUID, worker: str, crash: Crash | None, max_crashes: int
) -> str | None:
    """End the attempt that an ended process left behind, if there is one, without waiting for its lease to expire.

    Args:
        session: in a transaction that may write.
        worker_id: the `models.Worker` whose child the process was.
        worker: the host and the number of the process.
        crash: how the process crashed; None if it exited by itself, so that the attempt was only lost.
        max_crashes: the number of crashes after which a job is failed.

    Returns:
        The queue of the attempt's job; None if there was no attempt.

    """
    job = session.scalar(
        select(Job)
        .options(*queries.WITHOUT_DOCUMENTS)
        .where(Job.state == JobState.RUNNING, Job.worker_id == worker_id, Job.worker == worker)
        .with_for_update(),
    )
    if job is None:
        return None
    if crash is None:
        _end_lost_attempt(session, job, f"{worker} ended in attempt {job.attempt}.")
    else:
        crashes.end_crashed_attempt(session, job, crash, max_crashes=max_crashes)
    return job.queue


def list_worker_attempts(session: Session, worker_id: UUID) -> dict[str, bool]:
    """Return the attempts of a worker: the host and process of each, and whether it is to be cancelled."""
    rows = session.execute(
        select(Job.worker, Job.cancel_requested).where(Job.state == JobState.RUNNING, Job.worker_id == worker_id)
    )
    return {row.worker: row.cancel_requested for row in rows}


def count_needed_wake_ups(session: Session) -> dict[str, int]:
    """Return how many wake-ups each queue with waiting jobs needs: one for each free slot, and at least one."""
    waiting, running = (queries.count_jobs_by_queue(session, state) for state in (JobState.QUEUED, JobState.RUNNING))
    slots = worker_registry.count_slots_by_queue(session)
    return {
        queue: min(waiting_jobs, max(1, slots.get(queue, 0) - running.get(queue, 0)))
        for queue, waiting_jobs in waiting.items()
    }


def delete_expired_idempotency_keys(session: Session) -> None:
    """Delete idempotency keys that are too old for their clients to repeat the request."""
    horizon = get_current_time(session) - _IDEMPOTENCY_KEY_LIFETIME
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < horizon))


def _end_lost_attempt(session: Session, job: Job, message: str) -> None:
    reason = lifecycle.build_reason("attempt_lost", message)
    lifecycle.release_job(session, job, reason, lost_attempts=job.lost_attempts + 1)
