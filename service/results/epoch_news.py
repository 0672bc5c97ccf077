"""The new epochs of some jobs since the last look."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job
from service.db.database import get_current_time
from service.history import metric_history
from service.history.metric_history import History
from service.results.job_events import compute_max_epochs

_MAX_SLICES = 4
"""Maximum number of slices that one look reads for each job."""
_FINISHED_LATELY = timedelta(minutes=1)


@dataclass(frozen=True)
class EpochNews:
    """Epochs of a job. They replace all that a client has of it from `from_epoch` on."""

    job_id: UUID
    from_epoch: int
    history: History


class _Position(NamedTuple):
    """The attempt and the number of epochs up to which a job was read, and whether it already has more epochs."""

    attempt: int
    epochs: int
    is_behind: bool


class _JobProgress(NamedTuple):
    id: UUID
    attempt: int
    epochs_done: int
    metric_count: int
    finished_at: datetime | None


class EpochNewsReader:
    """Reads the new epochs of the jobs that it follows. One thread at a time uses it."""

    def __init__(self) -> None:
        self._positions: dict[UUID, _Position] = {}

    def read_news(self, session: Session, job_ids: Iterable[UUID], active: Mapping[UUID, object]) -> list[EpochNews]:
        """Return the epochs of jobs since the last look.

        The first look at a job, and the first one after its attempt changed, return its latest epochs. So they overlap
        with a history that the client loaded just before.

        Args:
            session: to read from.
            job_ids: the jobs to follow.
            active: the jobs that may have new epochs: those that run, and those that changed since the last look.

        """
        followed = set(job_ids)
        self._positions = {job_id: self._positions[job_id] for job_id in followed & self._positions.keys()}
        to_read = [job_id for job_id in followed if job_id in active or self._is_behind(job_id)]
        if not to_read:
            return []
        horizon = get_current_time(session) - _FINISHED_LATELY
        return [news for job in _load_progress(session, to_read) for news in self._read_job(session, job, horizon)]

    def _is_behind(self, job_id: UUID) -> bool:
        position = self._positions.get(job_id)
        return position is None or position.is_behind

    def _read_job(self, session: Session, job: _JobProgress, horizon: datetime) -> Iterator[EpochNews]:
        max_epochs = compute_max_epochs(job.metric_count)
        position = self._positions.get(job.id)
        if position is None and job.finished_at is not None and job.finished_at < horizon:
            start = job.epochs_done
        elif position is None or position.attempt != job.attempt or position.epochs > job.epochs_done:
            start = max(0, job.epochs_done - max_epochs)
            if start == job.epochs_done and position is not None:
                yield EpochNews(job.id, 0, History([], {}))
        else:
            start = position.epochs
        for _ in range(_MAX_SLICES):
            if start >= job.epochs_done:
                break
            history = metric_history.load_history(session, job.id, from_epoch=start, max_epochs=max_epochs)
            if not history.epochs:
                break
            yield EpochNews(job.id, start, history)
            start = history.epochs[-1] + 1
        self._positions[job.id] = _Position(job.attempt, start, start < job.epochs_done)


def _load_progress(session: Session, job_ids: Iterable[UUID]) -> list[_JobProgress]:
    """Load the progress of jobs in one query; jobs that do not exist are left out."""
    query = select(Job.id, Job.attempt, Job.epochs_done, Job.metric_names, Job.finished_at)
    rows = session.execute(query.where(Job.id.in_(job_ids)))
    return [_JobProgress(row.id, row.attempt, row.epochs_done, len(row.metric_names), row.finished_at) for row in rows]
