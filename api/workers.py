"""Workers: who serves the queues, on what, and what they do."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api.app_state import SessionsDep
from api.http.problem_documents import RESPONSES
from service.db.database import Sessions
from service.queue import worker_registry
from service.queue.worker_registry import WorkerDetails, WorkerState

router = APIRouter(prefix="/v1/workers", tags=["workers"], responses=RESPONSES)

MAX_PAGE = 200


class WorkerView(BaseModel):
    """A worker: a process on a host, whose children run as many jobs at once as its `concurrency` says.

    `pid` is the parent's; `cards` are its GPUs; `threads` are TensorFlow's intra-op ones in each child; `jobs` run at
    this moment. A worker is `lost` when it was not heard of for too long, and forgotten a day later.
    """

    id: UUID
    state: WorkerState
    host: str
    pid: int
    device: Literal["cpu", "gpu"]
    cards: list[str]
    queue: str
    concurrency: int
    threads: int
    versions: dict[str, str]
    jobs: list[UUID]
    started_at: datetime
    last_seen_at: datetime

    @classmethod
    def of(cls, details: WorkerDetails) -> "WorkerView":
        """The view of a worker."""
        columns = {name: getattr(details.worker, name) for name in cls.model_fields if name not in {"state", "jobs"}}
        return cls.model_validate(columns | {"state": details.state, "jobs": list(details.jobs)})


class WorkerPage(BaseModel):
    """Some workers, the latest started first; `next` is the `cursor` of the page after them, or null."""

    items: list[WorkerView]
    next: str | None


@router.get("")
def list_workers(
    sessions: SessionsDep,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> WorkerPage:
    """List the workers that live, and those that were lost within a day."""
    with sessions.read() as session:
        page = worker_registry.find(session, limit=limit, cursor=cursor)
        found = worker_registry.gather(session, page.items)
    return WorkerPage(items=[WorkerView.of(worker) for worker in found], next=page.next)


@router.get("/{worker_id}")
def get_worker(worker_id: UUID, sessions: SessionsDep) -> WorkerView:
    """Tell what there is to tell about a worker."""
    with sessions.read() as session:
        return WorkerView.of(worker_registry.gather(session, [worker_registry.get(session, worker_id)])[0])


@router.post("/{worker_id}/drain", status_code=202)
def drain_worker(worker_id: UUID, sessions: SessionsDep) -> WorkerView:
    """Have a worker finish the jobs that it has and take no more, until it is told otherwise or ends."""
    return _drain(sessions, worker_id, wanted=True)


@router.delete("/{worker_id}/drain", status_code=202)
def stop_draining_worker(worker_id: UUID, sessions: SessionsDep) -> WorkerView:
    """Have a worker take jobs again; one that was told to end goes on to do so."""
    return _drain(sessions, worker_id, wanted=False)


def _drain(sessions: Sessions, worker_id: UUID, *, wanted: bool) -> WorkerView:
    with sessions.begin() as session:
        return WorkerView.of(
            worker_registry.gather(session, [worker_registry.drain(session, worker_id, wanted=wanted)])[0]
        )
