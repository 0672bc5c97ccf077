"""The limits of users on waiting jobs and on storage, counted from rows at each request.

Paused jobs count neither as waiting nor as running. A job that waits again, after a crash, a pause or a promotion, is
never refused: only requests that would create jobs are.
"""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Artifact, Dataset, Job, JobState, User
from service.errors import StorageLimitReached, TooManyRequests
from service.team.session_scope import ACROSS_PROJECTS


def check_queue_limit(session: Session, owner_id: UUID | None, new_jobs: int) -> None:
    """Check that so many more jobs of a user may wait.

    The user's row stays locked until the transaction ends, so that concurrent requests cannot exceed the limit.

    Args:
        session: in the transaction that inserts the jobs, before that.
        owner_id: the user; None has no limit.
        new_jobs: number of jobs that the request adds.

    Raises:
        TooManyRequests: the user would have more waiting jobs than `max_queued`.

    """
    limit = _lock_limit(session, owner_id)
    if limit is None or not new_jobs:
        return
    waiting = count_waiting_jobs(session, owner_id)
    if waiting + new_jobs > limit:
        message = (
            f"You may have {limit:,} waiting {_pluralize('job', limit)} (max_queued), and have {waiting:,};"
            f" this request would add {new_jobs:,}. Wait until some have started, cancel some, submit them as a sweep,"
            " which queues its jobs as the limit allows, or ask an admin for a higher limit."
        )
        raise TooManyRequests("too_many_queued", message)


def count_free_queue_places(session: Session, owner_id: UUID | None) -> int | None:
    """Return how many more jobs of a user may wait; None without a limit. It locks as `check_queue_limit` does."""
    limit = _lock_limit(session, owner_id)
    return None if limit is None else max(0, limit - count_waiting_jobs(session, owner_id))


def count_waiting_jobs(session: Session, owner_id: UUID | None) -> int:
    """Return the number of the user's jobs that wait, in all projects."""
    query = select(func.count()).select_from(Job).where(Job.owner_id == owner_id, Job.state == JobState.QUEUED)
    return session.scalar(query, execution_options=ACROSS_PROJECTS) or 0


def check_storage_limit(session: Session, owner_id: UUID | None, new_bytes: int = 0) -> None:
    """Check that a user may store so many more bytes; with 0, that the limit is not reached yet.

    A model of a training that began below the limit is kept, even if it exceeds the limit: hours of training are worth
    more than the disk. Only then are uploads and submits refused.

    Args:
        session: in a transaction that may write. With `new_bytes`, the user's row stays locked until it ends, so that
            concurrent uploads cannot exceed the limit.
        owner_id: the user; None has no limit.
        new_bytes: the size of a new dataset.

    Raises:
        StorageLimitReached: the user would store more than `max_bytes`, or does so already.

    """
    if owner_id is None:
        return
    query = select(User.max_bytes).where(User.id == owner_id)
    limit = session.scalar(query)
    if limit is None:
        return
    if new_bytes:
        session.execute(query.with_for_update(key_share=True))
    stored = count_stored_bytes(session, owner_id)
    if stored + max(1, new_bytes) > limit:
        addition = f"; this file has {new_bytes:,}" if new_bytes else ""
        message = (
            f"You may store {limit:,} bytes of datasets and artifacts (max_bytes), and store {stored:,}{addition}."
            " Delete datasets, or jobs with their models, or ask an admin for a higher limit."
        )
        raise StorageLimitReached(message)


def count_stored_bytes(session: Session, owner_id: UUID) -> int:
    """Return the size of the user's datasets and of the artifacts of their jobs, in all projects.

    Files that several rows name count once for each row, because each row keeps them.
    """
    datasets = select(func.coalesce(func.sum(Dataset.bytes), 0)).where(Dataset.owner_id == owner_id)
    artifacts = (
        select(func.coalesce(func.sum(Artifact.bytes), 0))
        .join(Job, Job.id == Artifact.job_id)
        .where(Job.owner_id == owner_id)
    )
    return sum(int(session.scalar(query, execution_options=ACROSS_PROJECTS) or 0) for query in (datasets, artifacts))


def _lock_limit(session: Session, owner_id: UUID | None) -> int | None:
    """Lock a user who has a limit on waiting jobs, and return it."""
    if owner_id is None:
        return None
    limit = session.scalar(select(User.max_queued).where(User.id == owner_id))
    if limit is None:
        return None
    return session.scalar(select(User.max_queued).where(User.id == owner_id).with_for_update(key_share=True))


def _pluralize(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"
