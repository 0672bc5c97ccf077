"""The child processes of the workers, with the backend that each one has loaded or is loading."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, or_, select
from sqlalchemy.orm import Session

from models import Backend, Job, JobState, Worker, WorkerChild
from service.db.database import get_current_time
from service.queue.worker_registry import IS_SERVING
from service.team.session_scope import ACROSS_PROJECTS

_MAX_LOADING = timedelta(seconds=60)
"""A process that has been loading its backend for longer may never be ready, and counts no more."""
_UNLISTED_LIFETIME = timedelta(days=1)
"""After so long, the rows of a worker that is not on the list are leftovers."""


@dataclass(frozen=True)
class ChildProcess:
    """A child process: the id of its worker, and its host and process id as in `Job.worker`."""

    worker_id: UUID
    process: str


@dataclass(frozen=True)
class FreeChildren:
    """The children of a queue that can take another job: a number for each backend.

    Args:
        ready: those that have loaded their backend.
        loading: those that are loading it.

    """

    ready: int = 0
    loading: int = 0

    @property
    def total(self) -> int:
        """Return the number of all of them."""
        return self.ready + self.loading


def record_child(session: Session, child: ChildProcess, backend: Backend, *, ready: bool) -> None:
    """Record that a process is loading a backend, or is ready with it.

    A process that is about to be replaced records the backend of the process that replaces it, as not ready.
    """
    changed_at = get_current_time(session)
    key = {"worker_id": child.worker_id, "process": child.process}
    session.merge(WorkerChild(**key, backend=backend, ready=ready, changed_at=changed_at))


def list_processes(session: Session, worker_id: UUID) -> list[str]:
    """Return the host and the process id of each recorded child of a worker."""
    return list(session.scalars(select(WorkerChild.process).where(WorkerChild.worker_id == worker_id)))


def delete_processes(session: Session, worker_id: UUID, processes: Collection[str]) -> None:
    """Delete the records of children that have ended."""
    is_child = and_(WorkerChild.worker_id == worker_id, WorkerChild.process.in_(processes))
    session.execute(delete(WorkerChild).where(is_child))


def delete_children_of_lost_workers(session: Session) -> None:
    """Delete the records of children whose worker has not been on the list for a day."""
    horizon = get_current_time(session) - _UNLISTED_LIFETIME
    is_listed = exists().where(Worker.id == WorkerChild.worker_id)
    session.execute(delete(WorkerChild).where(WorkerChild.changed_at < horizon, ~is_listed))


def count_free_children(
    session: Session, queue: str, worker_id: UUID, *, without: str | None = None
) -> dict[Backend, FreeChildren]:
    """Count the children that can take another job of a queue, for each backend.

    Args:
        session: to read from.
        queue: the queue.
        worker_id: a worker of this queue that counts even if it is not on the list yet.
        without: the host and the process id of a child that does not count.

    """
    is_loading = and_(~WorkerChild.ready, WorkerChild.changed_at > get_current_time(session) - _MAX_LOADING)
    conditions = [or_(is_loading, and_(WorkerChild.ready, ~_IS_BUSY)), _serves_queue(queue, worker_id)]
    if without is not None:
        conditions.append(or_(WorkerChild.worker_id != worker_id, WorkerChild.process != without))
    query = select(WorkerChild.backend, WorkerChild.ready).where(*conditions)
    rows = [(row.backend, row.ready) for row in session.execute(query, execution_options=ACROSS_PROJECTS)]
    return {
        backend: FreeChildren(ready=rows.count((backend, True)), loading=rows.count((backend, False)))
        for backend in Backend
    }


def _serves_queue(queue: str, worker_id: UUID) -> ColumnElement[bool]:
    is_served = exists().where(Worker.id == WorkerChild.worker_id, Worker.queue == queue, IS_SERVING)
    return or_(WorkerChild.worker_id == worker_id, is_served)


_IS_BUSY = exists().where(
    Job.state == JobState.RUNNING, Job.worker_id == WorkerChild.worker_id, Job.worker == WorkerChild.process
)
