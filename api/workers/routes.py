"""Routes of `/v1/workers`: list workers with their devices and jobs, and drain them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from api.app_state import SessionsDep
from api.http.problem_documents import RESPONSES
from api.http.validation import PageCursor, PageLimit
from service.db.database import SessionFactory
from service.queue import worker_registry
from service.queue.worker_registry import WorkerDetails, WorkerState

router = APIRouter(prefix="/v1/workers", tags=["workers"], responses=RESPONSES)


class WorkerView(BaseModel):
    """A worker: a process on a host whose children run up to `concurrency` jobs at the same time.

    `pid` is the process id of the parent, `cards` are its GPUs, `threads` are the threads with which each child
    computes, and `jobs` are running now. A worker without a heartbeat is `lost`; it leaves the list a day later.
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
        """Return the view of a worker."""
        columns = {name: getattr(details.worker, name) for name in cls.model_fields if name not in {"state", "jobs"}}
        return cls.model_validate(columns | {"state": details.state, "jobs": list(details.jobs)})


class WorkerPage(BaseModel):
    """A page of workers, the latest started first. `next` is the `cursor` of the following page, or null."""

    items: list[WorkerView]
    next: str | None


@router.get("")
def list_workers(
    sessions: SessionsDep,
    limit: PageLimit = 50,
    cursor: PageCursor = None,
) -> WorkerPage:
    """List the live workers, and those that were lost within the last day."""
    with sessions.read() as session:
        page = worker_registry.list_workers(session, limit=limit, cursor=cursor)
        workers = worker_registry.load_worker_details(session, page.items)
    return WorkerPage(items=[WorkerView.of(worker) for worker in workers], next=page.next)


@router.get("/{worker_id}")
def get_worker(worker_id: UUID, sessions: SessionsDep) -> WorkerView:
    """Get a worker with its running jobs."""
    with sessions.read() as session:
        return WorkerView.of(
            worker_registry.load_worker_details(session, [worker_registry.get_worker(session, worker_id)])[0]
        )


@router.post("/{worker_id}/drain", status_code=202)
def drain_worker(worker_id: UUID, sessions: SessionsDep) -> WorkerView:
    """Drain a worker: it finishes its jobs and takes no more, until the drain is stopped or it ends."""
    return _set_draining(sessions, worker_id, wanted=True)


@router.delete("/{worker_id}/drain", status_code=202)
def stop_draining_worker(worker_id: UUID, sessions: SessionsDep) -> WorkerView:
    """Stop draining: the worker takes jobs again. A worker that was told to shut down still shuts down."""
    return _set_draining(sessions, worker_id, wanted=False)


def _set_draining(sessions: SessionFactory, worker_id: UUID, *, wanted: bool) -> WorkerView:
    with sessions.begin() as session:
        return WorkerView.of(
            worker_registry.load_worker_details(
                session, [worker_registry.set_drain_requested(session, worker_id, requested=wanted)]
            )[0]
        )
