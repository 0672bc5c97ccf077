"""Why a job waits: in a word for programs, and in a sentence for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Job, JobState
from service import workers


class WaitCode(StrEnum):
    """What a queued job waits for."""

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


@dataclass(frozen=True)
class _Queue:
    """What is to know of a queue: the places of its live workers (None if there are none), and how many are taken."""

    name: str
    places: int | None
    running: int
    last_seen: datetime | None


def explain(session: Session, found: Sequence[Job], positions: Mapping[UUID, int]) -> dict[UUID, Waiting]:
    """Why those of the jobs wait that have a place in a queue.

    Args:
        session: to read in.
        found: jobs in any state.
        positions: `service.jobs.queue_positions` of them.

    """
    waiting = [job for job in found if job.id in positions]
    queues = _look_at(session, sorted({job.queue for job in waiting}))
    return {job.id: _why(queues[job.queue], positions[job.id]) for job in waiting}


def _why(queue: _Queue, position: int) -> Waiting:
    if queue.places is None:
        return Waiting(WaitCode.NO_WORKER, _nobody(queue), queue.last_seen)
    if position < queue.places - queue.running:
        return Waiting(WaitCode.STARTING, "A worker is starting on it.")
    if position == 0:
        return Waiting(WaitCode.NEXT, f"Next on {queue.name}, as soon as a worker is free.")
    return Waiting(WaitCode.BEHIND, f"Behind {_jobs(position)} on {queue.name}.")


def _nobody(queue: _Queue) -> str:
    if queue.last_seen is None:
        return f"No live worker serves {queue.name}."
    return f"No live worker serves {queue.name}; one was last heard of at {queue.last_seen:%Y-%m-%dT%H:%M:%SZ}."


def _jobs(number: int) -> str:
    return "1 job" if number == 1 else f"{number:,} jobs"


def _look_at(session: Session, names: Sequence[str]) -> dict[str, _Queue]:
    if not names:
        return {}
    places = workers.places(session)
    deserted = [name for name in names if name not in places]
    last_seen = workers.last_seen(session, deserted) if deserted else {}
    running = {
        row.queue: int(row.number)
        for row in session.execute(
            select(Job.queue, func.count().label("number"))
            .where(Job.state == JobState.RUNNING, Job.queue.in_(names))
            .group_by(Job.queue)
        )
    }
    return {name: _Queue(name, places.get(name), running.get(name, 0), last_seen.get(name)) for name in names}
