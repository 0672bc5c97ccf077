"""The list of workers that serve the queues. Each worker records its own heartbeats, by the clock of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, delete, func, select, update
from sqlalchemy.orm import Session

from models import Job, JobState, Worker, WorkerChild
from service.db import pagination
from service.db.database import DatabaseClock, get_current_time, insert_if_absent
from service.db.ids import new_id
from service.db.pagination import Page
from service.errors import NotFound

_LOST_WORKER_LIFETIME = timedelta(days=1)

# Built once: every submit and every request for a waiting job runs this statement.
_TAKES_JOBS = and_(~Worker.draining, ~Worker.drain_requested)
IS_SERVING = and_(Worker.alive_until > DatabaseClock(), _TAKES_JOBS)
"""Whether a worker is alive and takes jobs."""
_SELECT_CAPACITIES = select(
    Worker.queue,
    func.sum(case((IS_SERVING, Worker.concurrency), else_=0)),
    func.max(case((_TAKES_JOBS, Worker.last_seen_at)), type_=Worker.last_seen_at.type),
).group_by(Worker.queue)


@dataclass(frozen=True)
class Registration:
    """The description that a worker registers: the columns of `models.Worker`, with an id that the worker chooses."""

    host: str
    pid: int
    device: str
    queue: str
    concurrency: int
    threads: int
    versions: Mapping[str, str]
    cards: Sequence[str] = ()
    id: UUID = field(default_factory=new_id)


class WorkerState(StrEnum):
    """The states of a worker, by the clock of the database."""

    SERVING = "serving"
    """It is alive and takes jobs."""
    DRAINING = "draining"
    """It is to drain or to shut down: it finishes its jobs and takes no more."""
    LOST = "lost"
    """Its last heartbeat is so old that it counts as dead. After a day it is deleted from the list."""


@dataclass(frozen=True)
class QueueCapacity:
    """The capacity of a queue.

    Args:
        slots: how many jobs its live workers run at once, without workers that drain; 0 if there are none.
        last_seen: the last heartbeat of a worker of the queue that did not drain; None if none is listed.

    """

    slots: int = 0
    last_seen: datetime | None = None


@dataclass(frozen=True)
class WorkerDetails:
    """A worker, its state, and the jobs that its children run."""

    worker: Worker
    state: WorkerState
    jobs: Sequence[UUID]


def record_heartbeat(
    session: Session, worker: Registration, *, alive_for_s: float, uptime_s: float, draining: bool = False
) -> bool:
    """Record that a worker is alive, and add it to the list if it is not there.

    Args:
        session: in a transaction that may write.
        worker: the worker.
        alive_for_s: seconds for which it counts as alive without another heartbeat.
        uptime_s: seconds since its start.
        draining: whether it takes no more jobs.

    Returns:
        Whether the worker is requested to drain.

    """
    current_time = get_current_time(session)
    heartbeat = {
        "last_seen_at": current_time,
        "alive_until": current_time + timedelta(seconds=alive_for_s),
        "draining": draining,
    }
    drain_requested = session.scalar(
        update(Worker).where(Worker.id == worker.id).values(**heartbeat).returning(Worker.drain_requested)
    )
    if drain_requested is not None:
        return drain_requested
    initial = {"started_at": current_time - timedelta(seconds=uptime_s), "drain_requested": False}
    insert_if_absent(session, Worker, _to_columns(worker) | heartbeat | initial)
    return False


def remove_worker(session: Session, worker: Registration) -> None:
    """Delete a worker that shut down from the list, with its children."""
    session.execute(delete(Worker).where(Worker.id == worker.id))
    session.execute(delete(WorkerChild).where(WorkerChild.worker_id == worker.id))


def get_worker(session: Session, worker_id: UUID) -> Worker:
    """Return the worker.

    Raises:
        NotFound: no worker with this id is listed.

    """
    worker = session.get(Worker, worker_id)
    if worker is None:
        raise NotFound("worker", worker_id)
    return worker


def set_drain_requested(session: Session, worker_id: UUID, *, requested: bool = True) -> Worker:
    """Request that a worker finish its jobs and take no more, or that it take jobs again.

    Repeating the request changes nothing. A worker that is shutting down does not take jobs again.

    Raises:
        NotFound: no worker with this id is listed.

    """
    worker = get_worker(session, worker_id)
    worker.drain_requested = requested
    return worker


def can_take_jobs(session: Session, worker_id: UUID) -> bool:
    """Return whether this worker is not requested to drain; True for a worker that is not on the list, or not yet."""
    return not session.scalar(select(Worker.drain_requested).where(Worker.id == worker_id))


def load_queue_capacities(session: Session) -> dict[str, QueueCapacity]:
    """Return the current capacity of each queue; queues without a listed worker are left out."""
    return {
        queue: QueueCapacity(int(slots), last_seen) for queue, slots, last_seen in session.execute(_SELECT_CAPACITIES)
    }


def count_slots_by_queue(session: Session) -> dict[str, int]:
    """Return how many jobs can run at once in each queue; queues that no worker serves now are left out."""
    return {queue: capacity.slots for queue, capacity in load_queue_capacities(session).items() if capacity.slots}


def list_workers(session: Session, *, limit: int, cursor: str | None) -> Page[Worker]:
    """Return a page of the workers, the latest started first. Lost workers are listed for a day.

    Raises:
        Invalid: the cursor does not come from an earlier page.

    """
    return pagination.fetch_page(session, select(Worker), Worker.id, limit=limit, cursor=cursor)


def load_worker_details(session: Session, workers: Sequence[Worker]) -> list[WorkerDetails]:
    """Load the states of workers and the jobs that they run, the oldest job first."""
    current_time = get_current_time(session)
    running: dict[UUID, list[UUID]] = {worker.id: [] for worker in workers}
    rows = session.execute(
        select(Job.worker_id, Job.id).where(Job.state == JobState.RUNNING, Job.worker_id.in_(running)).order_by(Job.id)
    )
    for row in rows:
        running[row.worker_id].append(row.id)
    return [WorkerDetails(worker, _get_state(worker, current_time), running[worker.id]) for worker in workers]


def delete_lost_workers(session: Session) -> None:
    """Delete the rows of workers that were lost long ago."""
    session.execute(delete(Worker).where(Worker.alive_until < get_current_time(session) - _LOST_WORKER_LIFETIME))


def _get_state(worker: Worker, current_time: datetime) -> WorkerState:
    if worker.alive_until <= current_time:
        return WorkerState.LOST
    return WorkerState.DRAINING if worker.draining or worker.drain_requested else WorkerState.SERVING


def _to_columns(worker: Registration) -> dict[str, Any]:
    return {
        "id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "device": worker.device,
        "cards": list(worker.cards),
        "queue": worker.queue,
        "concurrency": worker.concurrency,
        "threads": worker.threads,
        "versions": dict(worker.versions),
    }
