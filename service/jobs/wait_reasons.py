"""The reasons why jobs wait: a code for programs, and a sentence for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from models import Job, JobState
from service.jobs import lifecycle, queries
from service.queue import worker_registry
from service.queue.worker_registry import QueueCapacity


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


def load_wait_reasons(
    session: Session, job_rows: Sequence[Job], positions: Mapping[UUID, int]
) -> dict[UUID, WaitReason]:
    """Return the reasons of the jobs that are paused or have a position in a queue.

    Args:
        session: to read from.
        job_rows: jobs in any state.
        positions: the result of `service.jobs.queries.count_jobs_ahead` for them.

    """
    paused = {
        job.id: _UNTIL_EPOCH if (job.reason or {}).get("code") == lifecycle.UNTIL_EPOCH else _PAUSED
        for job in job_rows
        if job.state is JobState.PAUSED
    }
    queued = [job for job in job_rows if job.id in positions]
    if not queued:
        return paused
    capacities = worker_registry.load_queue_capacities(session)
    running = queries.count_jobs_by_queue(session, JobState.RUNNING)
    return paused | {
        job.id: _build_wait_reason(
            job.queue, positions[job.id], capacities.get(job.queue, QueueCapacity()), running.get(job.queue, 0)
        )
        for job in queued
    }


def _build_wait_reason(queue: str, position: int, capacity: QueueCapacity, running: int) -> WaitReason:
    if not capacity.slots:
        message = _format_no_worker(queue, capacity.last_seen)
        return WaitReason(WaitCode.NO_WORKER, message, capacity.last_seen)
    if position < capacity.slots - running:
        return WaitReason(WaitCode.STARTING, "A worker is starting on it.")
    if position == 0:
        return WaitReason(WaitCode.NEXT, f"Next on {queue}, as soon as a worker is free.")
    return WaitReason(WaitCode.BEHIND, f"Behind {position:,} job{'' if position == 1 else 's'} on {queue}.")


def _format_no_worker(queue: str, last_seen: datetime | None) -> str:
    if last_seen is None:
        return f"No live worker serves {queue}."
    return f"No live worker serves {queue}; one was last heard of at {last_seen:%Y-%m-%dT%H:%M:%SZ}."
