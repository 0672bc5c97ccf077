"""What puts right whatever a crash left behind. Safe for any number of processes at once, with no leader."""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models import IdempotencyKey, Job, JobState
from service import lifecycle
from service.database import now

_IDEMPOTENCY_KEYS_LAST = timedelta(days=1)


def recover_lost_attempts(session: Session, *, max_lost_attempts: int) -> int:
    """End the attempts whose lease is over: their jobs wait again, or have failed for good.

    Returns:
        How many attempts had been lost.

    """
    lost = session.scalars(
        select(Job)
        .where(Job.state == JobState.RUNNING, Job.lease_until < now(session))
        .with_for_update(skip_locked=True),
    ).all()
    for job in lost:
        _recover(session, job, max_lost_attempts)
    return len(lost)


def queues_with_work(session: Session) -> list[str]:
    """The queues in which jobs wait, so that their workers can be woken again."""
    return list(session.scalars(select(Job.queue).where(Job.state == JobState.QUEUED).distinct()))


def forget_old_keys(session: Session) -> None:
    """Drop idempotency keys whose client has long stopped repeating."""
    horizon = now(session) - _IDEMPOTENCY_KEYS_LAST
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < horizon))


def _recover(session: Session, job: Job, max_lost_attempts: int) -> None:
    lost = job.lost_attempts + 1
    if job.cancel_requested:
        to, why = JobState.CANCELLED, lifecycle.reason("cancelled", "Cancelled; its worker had been lost.")
    elif lost >= max_lost_attempts:
        message = f"{lost} attempts took their worker down or lost it; the last was {job.worker}."
        to, why = JobState.FAILED, lifecycle.reason("worker_lost", message)
    else:
        message = f"{job.worker} stopped renewing its lease in attempt {job.attempt}; the job waits again."
        to, why = JobState.QUEUED, lifecycle.reason("attempt_lost", message)
    lifecycle.move(
        session,
        job.id,
        to=to,
        from_=[JobState.RUNNING],
        fence=job.attempt,
        why=why,
        lost_attempts=lost,
    )
