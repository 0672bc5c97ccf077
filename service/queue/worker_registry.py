"""The workers that serve the queues: each says for itself, by the database's clock, that it lives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, delete, func, select, update
from sqlalchemy.orm import Session

from models import Job, JobState, Worker
from service.db import pagination
from service.db.database import Clock, insert_if_absent, now
from service.db.ids import new_id
from service.db.pagination import Page
from service.errors import NotFound

_LOST_ARE_KEPT_FOR = timedelta(days=1)

# Made once, because every submit and every look at a waiting job asks it.
_TAKES = and_(~Worker.draining, ~Worker.drain_requested)
_SERVES = and_(Worker.alive_until > Clock(), _TAKES)
_SERVICE = select(
    Worker.queue,
    func.sum(case((_SERVES, Worker.concurrency), else_=0)),
    func.max(case((_TAKES, Worker.last_seen_at)), type_=Worker.last_seen_at.type),
).group_by(Worker.queue)


@dataclass(frozen=True)
class Registration:
    """What a worker says of itself: as `models.Worker`, whose id it brings along."""

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
    """What a worker is at a moment, by the database's clock."""

    SERVING = "serving"
    """Alive, and taking jobs."""
    DRAINING = "draining"
    """Told to drain or to end: it finishes what it has and takes no more."""
    LOST = "lost"
    """Not heard of for so long that it counts as dead; forgotten after a day."""


@dataclass(frozen=True)
class Service:
    """How a queue is served.

    Args:
        places: how many jobs its live workers run at once, without those that drain; 0 if there are none.
        last_seen: when one of its workers was last heard of that did not drain; None if none is remembered.

    """

    places: int = 0
    last_seen: datetime | None = None


@dataclass(frozen=True)
class WorkerDetails:
    """A worker and what its children do."""

    worker: Worker
    state: WorkerState
    jobs: Sequence[UUID]


def beat(
    session: Session, worker: Registration, *, lasts_s: float, running_for_s: float, draining: bool = False
) -> bool:
    """Say that a worker lives, for `lasts_s` seconds from now, and put it on the list if it is not there.

    Args:
        session: in a transaction that may write.
        worker: who it is.
        lasts_s: how long it counts as alive without another word.
        running_for_s: seconds since its start.
        draining: whether it takes no more jobs.

    Returns:
        Whether somebody wants it to drain.

    """
    moment = now(session)
    seen = {"last_seen_at": moment, "alive_until": moment + timedelta(seconds=lasts_s), "draining": draining}
    wish = session.scalar(
        update(Worker).where(Worker.id == worker.id).values(**seen).returning(Worker.drain_requested)
    )
    if wish is not None:
        return wish
    started = {"started_at": moment - timedelta(seconds=running_for_s), "drain_requested": False}
    insert_if_absent(session, Worker, _columns(worker) | seen | started)
    return False


def leave(session: Session, worker: Registration) -> None:
    """Take a worker off the list: it has ended in order."""
    session.execute(delete(Worker).where(Worker.id == worker.id))


def get(session: Session, worker_id: UUID) -> Worker:
    """The worker.

    Raises:
        NotFound: none with this id is remembered.

    """
    worker = session.get(Worker, worker_id)
    if worker is None:
        raise NotFound("worker", worker_id)
    return worker


def drain(session: Session, worker_id: UUID, *, wanted: bool = True) -> Worker:
    """Have a worker finish what it has and take no more, or take jobs again. A repeat changes nothing.

    Of one that was told to end, the wish to take jobs again comes too late.

    Raises:
        NotFound: none with this id is remembered.

    """
    worker = get(session, worker_id)
    worker.drain_requested = wanted
    return worker


def may_take(session: Session, worker_id: UUID) -> bool:
    """Whether nobody wants this worker to drain; also of one that is not on the list, or not yet."""
    return not session.scalar(select(Worker.drain_requested).where(Worker.id == worker_id))


def service(session: Session) -> dict[str, Service]:
    """How each queue is served at this moment; a queue of which no worker is remembered is not named."""
    return {queue: Service(int(places), last_seen) for queue, places, last_seen in session.execute(_SERVICE)}


def places(session: Session) -> dict[str, int]:
    """How many jobs can run at once in each queue that somebody serves at this moment; others are not named."""
    return {queue: found.places for queue, found in service(session).items() if found.places}


def find(session: Session, *, limit: int, cursor: str | None) -> Page[Worker]:
    """A page of the workers, the latest started first; lost ones are among them for a day.

    Raises:
        Invalid: the cursor is not one that was given out.

    """
    return pagination.fetch(session, select(Worker), Worker.id, limit=limit, cursor=cursor)


def gather(session: Session, found: Sequence[Worker]) -> list[WorkerDetails]:
    """The workers, in their order, with what they are and the jobs that they run, the oldest first."""
    moment = now(session)
    running: dict[UUID, list[UUID]] = {worker.id: [] for worker in found}
    rows = session.execute(
        select(Job.worker_id, Job.id).where(Job.state == JobState.RUNNING, Job.worker_id.in_(running)).order_by(Job.id)
    )
    for row in rows:
        running[row.worker_id].append(row.id)
    return [WorkerDetails(worker, _state(worker, moment), running[worker.id]) for worker in found]


def forget_lost(session: Session) -> None:
    """Drop the rows of workers that were lost long ago."""
    session.execute(delete(Worker).where(Worker.alive_until < now(session) - _LOST_ARE_KEPT_FOR))


def _state(worker: Worker, moment: datetime) -> WorkerState:
    if worker.alive_until <= moment:
        return WorkerState.LOST
    return WorkerState.DRAINING if worker.draining or worker.drain_requested else WorkerState.SERVING


def _columns(worker: Registration) -> dict[str, Any]:
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
