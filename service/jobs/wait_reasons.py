"""Why a job waits: in a word for programs, and in a sentence for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from models import Job, JobState
from service.jobs import jobs
from service.queue import worker_registry
from service.queue.worker_registry import Service


class WaitCode(StrEnum):
    """What a job waits for."""

    PAUSED = "paused"
    """Somebody to resume it."""

    NO_WORKER = "no_worker"
    """No live worker takes jobs of its queue."""
    STARTING = "starting"
    """A worker has a place for it, and is about to take it."""
    NEXT = "next"
    """It is the first in its queue, and every place is taken."""
    BEHIND = "behind"
    """Others come before it."""


@dataclass(frozen=True)
class Waiting:
    """Why a job waits; `since` is when a worker of its queue was last heard of, where none lives and one is known."""

    code: WaitCode
    message: str
    since: datetime | None = None


_PAUSED = Waiting(WaitCode.PAUSED, "Paused; it waits to be resumed.")


def explain(session: Session, found: Sequence[Job], positions: Mapping[UUID, int]) -> dict[UUID, Waiting]:
    """Why those of the jobs wait that are paused or have a place in a queue.

    Args:
        session: to read in.
        found: jobs in any state.
        positions: `service.jobs.jobs.queue_positions` of them.

    """
    paused = {job.id: _PAUSED for job in found if job.state is JobState.PAUSED}
    waiting = [job for job in found if job.id in positions]
    if not waiting:
        return paused
    served = worker_registry.service(session)
    running = jobs.by_queue(session, JobState.RUNNING)
    return paused | {
        job.id: _why(job.queue, positions[job.id], served.get(job.queue, Service()), running.get(job.queue, 0))
        for job in waiting
    }


def _why(queue: str, position: int, service: Service, running: int) -> Waiting:
    if not service.places:
        return Waiting(WaitCode.NO_WORKER, _nobody(queue, service.last_seen), service.last_seen)
    if position < service.places - running:
        return Waiting(WaitCode.STARTING, "A worker is starting on it.")
    if position == 0:
        return Waiting(WaitCode.NEXT, f"Next on {queue}, as soon as a worker is free.")
    return Waiting(WaitCode.BEHIND, f"Behind {position:,} job{'' if position == 1 else 's'} on {queue}.")


def _nobody(queue: str, last_seen: datetime | None) -> str:
    if last_seen is None:
        return f"No live worker serves {queue}."
    return f"No live worker serves {queue}; one was last heard of at {last_seen:%Y-%m-%dT%H:%M:%SZ}."
