"""The job's life: which state may follow which, and the one function that moves a job."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from models import TERMINAL_STATES, Job, JobState, Transition
from service.db.database import now
from service.jobs import checkpoints

LEGAL: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.PAUSED, JobState.CANCELLED, JobState.FAILED}),
    JobState.RUNNING: frozenset(
        {
            JobState.SUCCEEDED,
            JobState.DIVERGED,
            JobState.FAILED,
            JobState.CANCELLED,
            JobState.PAUSED,
            JobState.QUEUED,  # its attempt was lost, or handed back
        },
    ),
    JobState.PAUSED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.DIVERGED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}

TIME_LIMIT = "time_limit"
"""The reason of a job that had no more time."""
HANDED_BACK = "handed_back"
"""The reason of a job that waits again because its worker gave it up in order."""


def reason(code: str, message: str, **details: Any) -> dict[str, Any]:
    """Why a job is in its state: a word for programs, a sentence for people, and JSON values that go with the word."""
    return {"code": code, "message": message, **details}


def move(
    session: Session,
    job_id: UUID,
    *,
    to: JobState,
    from_: Iterable[JobState],
    fence: int | None = None,
    why: dict[str, Any] | None = None,
    **values: Any,
) -> bool:
    """Move a job, if it still is where the caller believes it to be, and record that it moved.

    A job that ends for good loses its checkpoint, but for one that diverged and one that had no more time: theirs is
    what they have to show.

    Args:
        session: in a transaction that may write.
        job_id: the job.
        to: the state to reach.
        from_: the states it may be in now; each must have `to` among its legal followers.
        fence: where given, the attempt that must still be the current one.
        why: the reason, from `reason`.
        **values: further columns of the job to set.

    Returns:
        Whether the job moved. False leaves everything as it was.

    Raises:
        ValueError: the table of transitions does not have this move.

    """
    origins = frozenset(from_)
    for origin in origins:
        if to not in LEGAL[origin]:
            raise ValueError(f"expected a legal transition, received {origin} to {to}")
    condition = [Job.id == job_id, Job.state.in_(origins)]
    if fence is not None:
        condition.append(Job.attempt == fence)
    # Locks the row on PostgreSQL; on SQLite the transaction already has the database to itself.
    before = session.scalar(select(Job.state).where(*condition).with_for_update())
    if before is None:
        return False
    if to is not JobState.RUNNING:
        values = {"lease_until": None, "pause_requested": False, **values}
    if to in TERMINAL_STATES:
        values = {"finished_at": now(session), **values}
        if to is not JobState.DIVERGED and (why or {}).get("code") != TIME_LIMIT:
            checkpoints.discard(session, job_id)
    current = session.scalar(
        update(Job).where(Job.id == job_id).values(state=to, reason=why, **values).returning(Job.attempt),
    )
    record(session, job_id, from_state=before, to_state=to, attempt=current or 0, why=why)
    return True


def let_go(session: Session, job: Job, why: dict[str, Any], **values: Any) -> None:
    """Take a running job from its worker without an outcome.

    It waits again, for the reason `why`, unless its owner wants otherwise: then it is cancelled, or paused.

    Args:
        session: in a transaction that may write.
        job: as the database has it now, locked.
        why: the reason, from `reason`.
        **values: further columns of the job to set.

    """
    to = JobState.QUEUED
    besides = "" if why["code"] == HANDED_BACK else f" {why['message']}"
    if job.cancel_requested:
        to, why = JobState.CANCELLED, reason("cancelled", f"Cancelled while it ran.{besides}")
    elif job.pause_requested:
        to, why = JobState.PAUSED, reason("paused", f"Paused while it ran.{besides}")
    move(session, job.id, to=to, from_=[JobState.RUNNING], fence=job.attempt, why=why, **values)


def first(job: Job) -> Transition:
    """The first line of a job's list of transitions: it was made, and waits."""
    return Transition(
        job_id=job.id,
        number=1,
        from_state=None,
        to_state=JobState.QUEUED,
        attempt=0,
        at=job.created_at,
        reason=None,
    )


def record(
    session: Session,
    job_id: UUID,
    *,
    from_state: JobState,
    to_state: JobState,
    attempt: int,
    why: dict[str, Any] | None = None,
) -> None:
    """Add a line to the job's list of transitions."""
    count = session.scalar(select(func.count()).where(Transition.job_id == job_id))
    session.add(
        Transition(
            job_id=job_id,
            number=(count or 0) + 1,
            from_state=from_state,
            to_state=to_state,
            attempt=attempt,
            at=now(session),
            reason=why,
        ),
    )
