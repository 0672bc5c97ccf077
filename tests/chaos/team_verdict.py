"""Whether a disturbed team's server kept the limits of its users, and charged each attempt exactly once."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select

from models import TERMINAL_STATES, AuditEntry, Job, JobState, Transition, UsageRecord
from tests.chaos.installation import Installation
from tests.chaos.load import Load

_SUBMIT = "POST /v1/jobs"


def judge_team(installation: Installation, load: Load, limits: Mapping[UUID, int | None]) -> list[str]:
    """Return what is wrong with the users' jobs, charges, records and audit, once all jobs have ended."""
    faults = [*_judge_charges(installation, limits), *_judge_audit(installation, load, limits)]
    for user_id, limit in limits.items():
        if limit is not None and (highest := _count_most_running(installation, user_id)) > limit:
            faults.append(f"user {user_id} ran {highest} jobs at once, and may run {limit}")
    return faults


def _judge_charges(installation: Installation, limits: Mapping[UUID, int | None]) -> Iterator[str]:
    with installation.sessions.read() as session:
        charged = select(func.count()).where(Job.state.in_(TERMINAL_STATES), Job.charged_s != 0)
        if count := session.scalar(charged):
            yield f"{count} ended jobs are still charged with an estimate"
        for user_id in limits:
            recorded = session.scalar(select(func.sum(UsageRecord.jobs)).where(UsageRecord.user_id == user_id)) or 0
            ended = session.scalar(_count_ended_attempts(user_id)) or 0
            if recorded < ended:  # deleted jobs are still in the records
                yield f"the records of user {user_id} have {recorded} jobs, and {ended} ended after an attempt"


def _count_ended_attempts(user_id: UUID) -> Select[int]:
    """Return the query for the jobs of a user that ended while an attempt ran."""
    ended = (Transition.from_state == JobState.RUNNING, Transition.to_state.in_(TERMINAL_STATES))
    query = select(func.count()).select_from(Transition).join(Job, Job.id == Transition.job_id)
    return query.where(Job.owner_id == user_id, *ended)


def _judge_audit(installation: Installation, load: Load, limits: Mapping[UUID, int | None]) -> Iterator[str]:
    """Yield accepted jobs of users without an entry, and those with two."""
    with installation.sessions.read() as session:
        owned = set(session.scalars(select(Job.id).where(Job.owner_id.in_(limits))))
        entries = list(session.scalars(select(AuditEntry.object_id).where(AuditEntry.action == _SUBMIT)))
    for job_id in owned & load.accepted.keys():
        if (count := entries.count(job_id)) != 1:
            yield f"the audit has {count} submits of job {job_id}"


def _count_most_running(installation: Installation, user_id: UUID) -> int:
    """Return the largest number of jobs of a user that ran at the same time."""
    query = select(Transition.at, Transition.from_state, Transition.to_state).join(Job, Job.id == Transition.job_id)
    changes: list[tuple[datetime, int]] = []
    with installation.sessions.read() as session:
        for at, origin, target in session.execute(query.where(Job.owner_id == user_id)):
            changes.append((at, (target == JobState.RUNNING) - (origin == JobState.RUNNING)))
    running = highest = 0
    for _, change in sorted(changes):
        running += change
        highest = max(highest, running)
    return highest
