"""The reasons why jobs wait: a code for programs, and a sentence for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from models import Job, JobState
from service.jobs import lifecycle, queries
from service.jobs.queue_order.positions import QueuePositions
from service.queue import worker_registry
from service.queue.worker_registry import QueueCapacity
from service.team.fair_share import OwnerShare, compute_share_multiple
from service.team.session_scope import get_ownership
from service.team.usage.policy import get_policy


class WaitCode(StrEnum):
    """The kinds of reasons to wait."""

    PAUSED = "paused"
    """The job is paused until a request resumes it."""
    UNTIL_EPOCH = "until_epoch"
    """The job has trained up to its `until_epoch`, and is paused until a request raises that number."""

    NO_WORKER = "no_worker"
    """No live worker takes jobs of its queue."""
    STARTING = "starting"
    """A worker has a free slot for it, and is about to claim it."""
    NEXT = "next"
    """It is the first in its queue, and every slot is taken."""
    BEHIND = "behind"
    """Other jobs come before it."""
    SHARE = "share"
    """Other users come before its owner, because they have used less of their shares."""
    LIMIT = "limit"
    """Its owner runs as many jobs as they may."""


@dataclass(frozen=True)
class WaitReason:
    """The reason why a job waits.

    If no worker of its queue lives, `since` is when one was last heard of; None if none is known.
    """

    code: WaitCode
    message: str
    since: datetime | None = None


_PAUSED = WaitReason(WaitCode.PAUSED, "Paused; it waits to be resumed.")
_UNTIL_EPOCH = WaitReason(
    WaitCode.UNTIL_EPOCH, "Paused at its until_epoch; it waits for a higher number, or to be resumed."
)


def load_wait_reasons(session: Session, job_rows: Sequence[Job], positions: QueuePositions) -> dict[UUID, WaitReason]:
    """Return the reasons of the jobs that are paused or have a position in a queue.

    Args:
        session: to read from.
        job_rows: jobs in any state.
        positions: of those of them that wait.

    """
    paused = {
        job.id: _UNTIL_EPOCH if (job.reason or {}).get("code") == lifecycle.UNTIL_EPOCH else _PAUSED
        for job in job_rows
        if job.state is JobState.PAUSED
    }
    queued = [job for job in job_rows if job.id in positions.ahead]
    if not queued:
        return paused
    capacities = worker_registry.load_queue_capacities(session)
    running = queries.count_jobs_by_queue(session, JobState.RUNNING)
    reasons: dict[UUID, WaitReason] = {}
    for job in queued:
        capacity = capacities.get(job.queue, QueueCapacity())
        position, free_slots = positions.ahead[job.id], capacity.slots - running.get(job.queue, 0)
        reasons[job.id] = (
            _find_urgent_reason(session, job, positions, capacity)
            or _find_slot_reason(job.queue, position, free_slots)
            or _find_share_reason(session, job, positions)
            or WaitReason(WaitCode.BEHIND, f"Behind {position:,} job{'' if position == 1 else 's'} on {job.queue}.")
        )
    return paused | reasons


def _find_urgent_reason(
    session: Session, job: Job, positions: QueuePositions, capacity: QueueCapacity
) -> WaitReason | None:
    """Return the reason that holds whatever the position of the job is; None without one."""
    if not capacity.slots:
        message = _format_no_worker(job.queue, capacity.last_seen)
        return WaitReason(WaitCode.NO_WORKER, message, capacity.last_seen)
    share = _find_share(job, positions)
    if share is None or not share.is_limited:
        return None
    subject = "You run" if _is_owner(session, job) else "Its owner runs"
    jobs = f"{share.running:,} job{'' if share.running == 1 else 's'}"
    return WaitReason(WaitCode.LIMIT, f"{subject} {jobs}, as many as allowed (max_running); it starts after one ends.")


def _find_slot_reason(queue: str, position: int, free_slots: int) -> WaitReason | None:
    if position < free_slots:
        return WaitReason(WaitCode.STARTING, "A worker is starting on it.")
    if position == 0:
        return WaitReason(WaitCode.NEXT, f"Next on {queue}, as soon as a worker is free.")
    return None


def _find_share_reason(session: Session, job: Job, positions: QueuePositions) -> WaitReason | None:
    """Return the reason of a job whose owner is not the next user; None for others."""
    share = _find_share(job, positions)
    if share is None:
        return None
    users = positions.orders[job.queue].list_users()
    place = users.index(share) + 1
    if place == 1:
        return None
    ranking = f"{_format_ordinal(place)} of {len(users)} users with waiting jobs"
    subject = "You have" if _is_owner(session, job) else "Its owner has"
    multiple = compute_share_multiple(share, users)
    if multiple is None:
        return WaitReason(WaitCode.SHARE, f"{subject} used as much as the others; {ranking}.")
    period = _format_period(get_policy(session).half_life_s)
    return WaitReason(
        WaitCode.SHARE, f"{subject} used {multiple:.1f} times the fair share in the last {period}; {ranking}."
    )


def _find_share(job: Job, positions: QueuePositions) -> OwnerShare | None:
    order = positions.orders.get(job.queue)
    return None if order is None or job.owner_id is None else order.find_share(job.owner_id)


def _is_owner(session: Session, job: Job) -> bool:
    """Return whether the session is that of the owner of the job, to whom the message speaks."""
    return get_ownership(session).owner_id == job.owner_id


def _format_ordinal(number: int) -> str:
    suffix = "th" if number % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _format_period(seconds: float) -> str:
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= length:
            return unit if seconds == length else f"{seconds / length:g} {unit}s"
    return f"{seconds:g} seconds"


def _format_no_worker(queue: str, last_seen: datetime | None) -> str:
    if last_seen is None:
        return f"No live worker serves {queue}."
    return f"No live worker serves {queue}; one was last heard of at {last_seen:%Y-%m-%dT%H:%M:%SZ}."
