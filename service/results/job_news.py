"""What changed in all jobs since the last look, found in a few queries whatever the number of jobs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job, JobState
from service.db.database import get_current_time
from service.history import change_log
from service.history.change_log import LoggedChange
from service.jobs import job_read_model, queries
from service.jobs.job_read_model import JobDetails

_OVERLAP = timedelta(seconds=10)
"""A transaction sets the time of its changes before it commits. Each look reads so far back for late commits."""
_MAX_CHANGES = 10_000
_MAX_PENDING = 1000
_MAX_JOBS = 200


class RunningProgress(NamedTuple):
    """The columns of a running job that change without a transition."""

    attempt: int
    epochs_done: int
    cancel_requested: bool
    pause_requested: bool


class DeletedJob(NamedTuple):
    """The id of a deleted job, and the project that it belonged to."""

    id: UUID
    project_id: UUID


@dataclass(frozen=True)
class JobNews:
    """The jobs that changed, and deleted ones; `overflow` says that there were too many to list."""

    changed: Sequence[JobDetails] = ()
    deleted: Sequence[DeletedJob] = ()
    overflow: bool = False


class JobNewsReader:
    """Reads news of all jobs. One thread at a time uses it.

    Args:
        max_jobs: maximum number of changed jobs in one piece of news; the next piece has the others.
        max_pending: how many changes at once are too many to list.

    """

    def __init__(self, *, max_jobs: int = _MAX_JOBS, max_pending: int = _MAX_PENDING) -> None:
        self._max_jobs = max_jobs
        self._max_pending = max_pending
        self._since: datetime | None = None
        self._seen: frozenset[LoggedChange] = frozenset()
        self._running: Mapping[UUID, RunningProgress] = {}
        self._pending: dict[UUID, None] = {}

    @property
    def running(self) -> Mapping[UUID, RunningProgress]:
        """The jobs that ran at the last look."""
        return self._running

    def read_news(self, session: Session) -> JobNews:
        """Return what changed since the last look; nothing at the first one."""
        is_first, timestamp = self._since is None, get_current_time(session)
        changes = change_log.load_changes(session, (self._since or timestamp) - _OVERLAP, limit=_MAX_CHANGES)
        running = _load_running(session)
        fresh = frozenset(changes) - self._seen
        progressed = [job_id for job_id, progress in running.items() if self._running.get(job_id) != progress]
        self._since, self._seen, self._running = timestamp, frozenset(changes), running
        if is_first:
            return JobNews()
        deleted = {
            change.job_id: DeletedJob(change.job_id, change.project_id)
            for change in fresh
            if change.project_id is not None
        }
        self._pending |= dict.fromkeys(change.job_id for change in fresh if not change.deleted)
        self._pending |= dict.fromkeys(progressed)
        if len(changes) >= _MAX_CHANGES or len(deleted) + len(self._pending) > self._max_pending:
            self._pending.clear()
            return JobNews(overflow=True)
        return JobNews(self._load_pending(session, deleted), tuple(sorted(deleted.values())))

    def _load_pending(self, session: Session, deleted: Collection[UUID]) -> Sequence[JobDetails]:
        job_ids = [job_id for job_id in self._pending if job_id not in deleted][: self._max_jobs]
        self._pending = {job_id: None for job_id in self._pending if job_id not in {*job_ids, *deleted}}
        if not job_ids:
            return ()
        return job_read_model.load_listed_job_details(session, queries.load_listed_jobs(session, job_ids))


def _load_running(session: Session) -> dict[UUID, RunningProgress]:
    rows = session.execute(
        select(Job.id, Job.attempt, Job.epochs_done, Job.cancel_requested, Job.pause_requested).where(
            Job.state == JobState.RUNNING
        )
    )
    return {row.id: RunningProgress(*row[1:]) for row in rows}
