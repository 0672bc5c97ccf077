"""The states of a job: the legal transitions, and the one function that makes them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from models import TERMINAL_STATES, Checkpoint, Job, JobState, Transition
from service.db.database import get_current_time
from service.storage import file_references
from service.team.usage.charging import EndedAttempt, settle_attempt

LEGAL_TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.PAUSED, JobState.CANCELLED, JobState.FAILED}),
    JobState.RUNNING: frozenset(
        {
            JobState.SUCCEEDED,
            JobState.DIVERGED,
            JobState.FAILED,
            JobState.CANCELLED,
            JobState.PAUSED,
            JobState.QUEUED,  # the attempt was lost, or its worker released it
        },
    ),
    JobState.PAUSED: frozenset({JobState.QUEUED, JobState.CANCELLED}),
    JobState.SUCCEEDED: frozenset(),
    JobState.DIVERGED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}

TIME_LIMIT = "time_limit"
"""The code of the reason if a job reached its time limit."""
_ATTEMPT_COLUMNS = (
    Job.owner_id,
    Job.project_id,
    Job.queue,
    Job.started_at,
    Job.lease_until,
    Job.charged_s,
    Job.epochs_done,
    Job.first_epoch,
)
"""The columns that say what an attempt has used."""
_BATCH_SIZE = 500
"""Number of jobs that one statement changes."""
UNTIL_EPOCH = "until_epoch"
"""The code of the reason if a job paused itself, because it has trained up to its `until_epoch`."""
HANDED_BACK = "handed_back"
"""The code of the reason if a job waits again because its worker shut down and released it."""


def build_reason(code: str, message: str, **details: Any) -> dict[str, Any]:
    """Build the reason of a job's state.

    Args:
        code: a word for programs.
        message: a sentence for people.
        **details: JSON values that belong to the code.

    """
    return {"code": code, "message": message, **details}


def transition_job(
    session: Session,
    job_id: UUID,
    *,
    to_state: JobState,
    from_states: Iterable[JobState],
    fence: int | None = None,
    reason: dict[str, Any] | None = None,
    at: datetime | None = None,
    **values: Any,
) -> bool:
    """Change the state of a job if it still is in an expected state, and record the transition.

    A job that reaches a terminal state loses its checkpoint. The checkpoint stays after divergence and after the time
    limit, because then it is the only result of the job.

    Args:
        session: in a transaction that may write.
        job_id: the job.
        to_state: the new state.
        from_states: the states that the job may be in now; from each, the transition must be legal.
        fence: the attempt that must still be the current one; None accepts any attempt.
        reason: the reason of the new state, from `build_reason`.
        at: the time of the transition by the database's clock; None reads that clock.
        **values: further columns of the job to set.

    Returns:
        Whether the transition was made. If not, nothing is changed.

    Raises:
        ValueError: the transition is not legal.

    """
    origins = frozenset(from_states)
    for origin in origins:
        if to_state not in LEGAL_TRANSITIONS[origin]:
            raise ValueError(f"expected a legal transition, received {origin} to {to_state}")
    condition = [Job.id == job_id, Job.state.in_(origins)]
    if fence is not None:
        condition.append(Job.attempt == fence)
    # This locks the row on PostgreSQL. On SQLite the transaction already holds the lock of the whole database.
    previous = session.execute(select(Job.state, *_ATTEMPT_COLUMNS).where(*condition).with_for_update()).one_or_none()
    if previous is None:
        return False
    current_time = at or get_current_time(session)
    if previous.state is JobState.RUNNING:
        is_job_over = to_state in TERMINAL_STATES
        settle_attempt(session, _build_ended_attempt(previous), current_time, is_job_over=is_job_over)
        values = {"charged_s": 0.0, **values}
    if to_state is not JobState.RUNNING:
        values = {"lease_until": None, "pause_requested": False, **values}
    if to_state in TERMINAL_STATES:
        values = {"finished_at": current_time, **values}
        if to_state is not JobState.DIVERGED and (reason or {}).get("code") != TIME_LIMIT:
            delete_checkpoint(session, job_id)
    attempt = session.scalar(
        update(Job).where(Job.id == job_id).values(state=to_state, reason=reason, **values).returning(Job.attempt),
    )
    _record_transition(
        session,
        job_id,
        current_time,
        from_state=previous.state,
        to_state=to_state,
        attempt=attempt or 0,
        reason=reason,
        worker_id=values.get("worker_id"),
    )
    return True


def settle_deleted_attempts(session: Session, job_ids: Sequence[UUID]) -> None:
    """Correct the usage for those of some jobs that run, before they are deleted. The caller has locked their rows."""
    # The order keeps transactions that end several attempts from deadlocks.
    query = select(*_ATTEMPT_COLUMNS).where(Job.id.in_(job_ids), Job.state == JobState.RUNNING)
    for row in session.execute(query.order_by(Job.owner_id, Job.project_id, Job.queue)).all():
        settle_attempt(session, _build_ended_attempt(row), get_current_time(session), is_job_over=True)


def _build_ended_attempt(row: Any) -> EndedAttempt:
    return EndedAttempt(
        owner_id=row.owner_id,
        project_id=row.project_id,
        device=row.queue,
        started_at=row.started_at,
        lease_until=row.lease_until,
        charged_s=row.charged_s,
        epochs=row.epochs_done - row.first_epoch,
    )


def transition_idle_jobs(
    session: Session, conditions: Sequence[ColumnElement[bool]], *, to_state: JobState, reason: dict[str, Any]
) -> Counter[str]:
    """Change the state of all jobs that no worker holds and that match conditions, and record the transitions.

    Args:
        session: in a transaction that may write.
        conditions: on the columns of jobs.
        to_state: the new state: `queued` for paused jobs, `paused` for queued ones, or `cancelled` for both.
        reason: the reason of the new state, from `build_reason`.

    Returns:
        The number of jobs that were changed, by queue.

    """
    origins = [state for state in (JobState.QUEUED, JobState.PAUSED) if to_state in LEGAL_TRANSITIONS[state]]
    # The order keeps concurrent transactions from deadlocks.
    query = select(Job.id, Job.state, Job.attempt, Job.queue).where(Job.state.in_(origins), *conditions)
    query = query.order_by(Job.id).limit(_BATCH_SIZE).with_for_update()
    counts: Counter[str] = Counter()
    while jobs := session.execute(query).all():
        _change_idle_jobs(session, jobs, to_state, reason)
        counts.update(job.queue for job in jobs)
    return counts


def _change_idle_jobs(session: Session, jobs: Sequence[Any], to_state: JobState, reason: dict[str, Any]) -> None:
    ids, current_time = [job.id for job in jobs], get_current_time(session)
    values: dict[str, Any] = {"state": to_state, "reason": reason, "pause_requested": False}
    if to_state in TERMINAL_STATES:
        values["finished_at"] = current_time
        _delete_checkpoints(session, Checkpoint.job_id.in_(ids))
    session.execute(
        update(Job).where(Job.id.in_(ids)).values(values), execution_options={"synchronize_session": "fetch"}
    )
    counts = select(Transition.job_id, func.count()).where(Transition.job_id.in_(ids)).group_by(Transition.job_id)
    numbers: dict[UUID, int] = {row[0]: row[1] for row in session.execute(counts)}
    rows = [
        {
            "job_id": job.id,
            "number": numbers.get(job.id, 0) + 1,
            "from_state": job.state,
            "to_state": to_state,
            "attempt": job.attempt,
            "at": current_time,
            "reason": reason,
        }
        for job in jobs
    ]
    session.execute(insert(Transition), rows)


def release_job(
    session: Session, job: Job, reason: dict[str, Any], *, reached_epoch: int | None = None, **values: Any
) -> None:
    """End the attempt of a running job without an outcome.

    The job waits again. If cancelling or pausing it was requested, it becomes cancelled or paused instead. It also
    becomes paused if its worker stopped at the job's `until_epoch`, and no client has raised that number meanwhile.

    Args:
        session: in a transaction that may write.
        job: freshly loaded and locked.
        reason: why the attempt ended, from `build_reason`.
        reached_epoch: the number of complete epochs if the worker stopped for `until_epoch`; None otherwise.
        **values: further columns of the job to set.

    """
    state = JobState.QUEUED
    detail = "" if reason["code"] == HANDED_BACK else f" {reason['message']}"
    if job.cancel_requested:
        state, reason = JobState.CANCELLED, build_reason("cancelled", f"Cancelled while it ran.{detail}")
    elif job.pause_requested:
        state, reason = JobState.PAUSED, build_reason("paused", f"Paused while it ran.{detail}")
    elif reached_epoch is not None and pauses_after(job, reached_epoch):
        message = f"Trained {reached_epoch} of {job.epochs} epochs, as until_epoch says."
        state, reason = JobState.PAUSED, build_reason(UNTIL_EPOCH, message, epoch=reached_epoch - 1)
    transition_job(
        session, job.id, to_state=state, from_states=[JobState.RUNNING], fence=job.attempt, reason=reason, **values
    )


def pauses_after(job: Job, epochs: int) -> bool:
    """Return whether the job is to pause by itself after so many complete epochs."""
    has_reached_end = job.until_epoch is None or job.until_epoch >= job.epochs
    if has_reached_end or job.finish_after_epochs is not None:
        return False
    return epochs >= (job.until_epoch or 0)


def build_first_transition(job: Job) -> Transition:
    """Build the first transition of a job: it was submitted, and waits."""
    return Transition(
        job_id=job.id,
        number=1,
        from_state=None,
        to_state=JobState.QUEUED,
        attempt=0,
        at=job.created_at,
        reason=None,
    )


def _record_transition(
    session: Session,
    job_id: UUID,
    at: datetime,
    *,
    from_state: JobState,
    to_state: JobState,
    attempt: int,
    reason: dict[str, Any] | None = None,
    worker_id: UUID | None = None,
) -> None:
    """Add a transition to the list of the job's transitions."""
    count = session.scalar(select(func.count()).where(Transition.job_id == job_id))
    session.add(
        Transition(
            job_id=job_id,
            number=(count or 0) + 1,
            from_state=from_state,
            to_state=to_state,
            attempt=attempt,
            at=at,
            reason=reason,
            worker_id=worker_id,
        ),
    )


def delete_checkpoint(session: Session, job_id: UUID) -> None:
    """Delete the job's checkpoint, if it has one. Garbage collection removes its file later."""
    _delete_checkpoints(session, Checkpoint.job_id == job_id)


def _delete_checkpoints(session: Session, condition: ColumnElement[bool]) -> None:
    sha256s = session.scalars(delete(Checkpoint).where(condition).returning(Checkpoint.sha256))
    file_references.unreference_files(session, sha256s)
