"""What has happened in the installation since the last reading: claims, ends, lost leases, training time, epochs.

It comes from the rows that workers write, so it covers all machines. Rows that retention deletes later stay counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select, tuple_
from sqlalchemy.orm import Session, aliased

from models import TERMINAL_STATES, Job, JobState, Transition
from service.db.database import get_current_time

_OVERLAP = timedelta(seconds=10)
"""Transitions have the time at which their transaction ran. One that commits later has an earlier time than others."""
_PAGE_SIZE = 2000
_MAX_PAGES = 4
"""A reading takes at most this many pages of transitions, because writers of SQLite wait for it; the next one
continues."""

# Rows have the columns of these statements; SQLAlchemy's types for so many columns are open.
_Key = tuple[UUID, int]

_ORDER_COLUMNS = (Transition.at, Transition.job_id, Transition.number)
_ORDER = tuple_(*_ORDER_COLUMNS)
_ORDER_TYPES = [column.type for column in _ORDER_COLUMNS]
_previous = aliased(Transition)
_SELECT_TRANSITIONS = (
    select(
        Transition.job_id,
        Transition.number,
        Transition.from_state,
        Transition.to_state,
        Transition.attempt,
        Transition.at,
        Transition.reason,
        Job.queue,
        Job.epochs_done,
        Job.continued_from,
        _previous.to_state.label("previous_state"),
        _previous.at.label("previous_at"),
    )
    .join(Job, Job.id == Transition.job_id)
    .outerjoin(_previous, and_(_previous.job_id == Transition.job_id, _previous.number == Transition.number - 1))
    .order_by(*_ORDER_COLUMNS)
)
_SELECT_RUNNING = select(Job.id.label("job_id"), Job.queue, Job.epochs_done, Job.attempt, Job.continued_from).where(
    Job.state == JobState.RUNNING
)


@dataclass
class Progress:
    """The events between two readings.

    Args:
        submitted: number of new jobs.
        ended: number of jobs that reached each terminal state.
        released: number of attempts that ended without ending their job, by the code of the reason.
        claim_waits: for each claim, the queue and the seconds that its job had been waiting.
        training_s: seconds that jobs have been running, by queue.
        epochs: number of trained epochs, by queue.

    """

    submitted: int = 0
    ended: Counter[str] = field(default_factory=Counter[str])
    released: Counter[str] = field(default_factory=Counter[str])
    claim_waits: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    training_s: dict[str, float] = field(default_factory=lambda: defaultdict[str, float](float))
    epochs: Counter[str] = field(default_factory=Counter[str])


class ProgressReader:
    """Reads the progress since the last reading; the first one covers the time since `start`.

    A reading takes time in proportion to the events, and memory in proportion to the running jobs.

    Args:
        start: the time, by the database's clock, from which on events count.
        page_size: number of transitions that one statement reads.

    """

    def __init__(self, start: datetime, page_size: int = _PAGE_SIZE) -> None:
        self._page_size = page_size
        self._since = self._last_read_at = self._start = start
        self._after: tuple[datetime, UUID, int] | None = None
        self._seen: dict[_Key, datetime] = {}
        self._timed_until: dict[UUID, datetime] = {}
        self._known_epochs: dict[UUID, int] = {}

    def read(self, session: Session) -> Progress:
        """Return the events since the last reading."""
        progress = Progress()
        current_time = get_current_time(session)
        for row in self._list_new_transitions(session, current_time):
            self._add_transition(progress, row)
        running = session.execute(_SELECT_RUNNING).all()
        if self._after is None:
            self._add_running_jobs(progress, running, current_time)
        self._last_read_at = current_time
        return progress

    def _list_new_transitions(self, session: Session, current_time: datetime) -> Iterator[Any]:
        after = self._after
        for _ in range(_MAX_PAGES):
            condition = Transition.at >= self._since if after is None else tuple_(*after, types=_ORDER_TYPES) < _ORDER
            rows = session.execute(_SELECT_TRANSITIONS.where(condition).limit(self._page_size)).all()
            yield from self._skip_seen(rows)
            if len(rows) < self._page_size:
                self._after, self._since = None, max(self._start, current_time - _OVERLAP)
                self._seen = {key: at for key, at in self._seen.items() if at >= self._since}
                return
            after = (rows[-1].at, rows[-1].job_id, rows[-1].number)
        self._after = after

    def _skip_seen(self, rows: Sequence[Any]) -> Iterator[Any]:
        for row in rows:
            key = (row.job_id, row.number)
            if key not in self._seen:
                self._seen[key] = row.at
                yield row

    def _add_transition(self, progress: Progress, row: Any) -> None:
        if row.from_state is None:
            progress.submitted += 1
        if row.to_state in TERMINAL_STATES:
            progress.ended[row.to_state] += 1
        if row.from_state == JobState.RUNNING:
            self._end_attempt(progress, row)
        elif row.to_state == JobState.RUNNING:
            self._timed_until[row.job_id] = row.at
            if row.previous_state == JobState.QUEUED:
                progress.claim_waits.append((row.queue, max(0.0, (row.at - row.previous_at).total_seconds())))

    def _end_attempt(self, progress: Progress, row: Any) -> None:
        if row.to_state not in TERMINAL_STATES:
            progress.released[_get_reason_code(row.reason)] += 1
        self._add_epochs(progress, row)
        self._add_time(progress, row, row.at)
        self._timed_until.pop(row.job_id, None)
        self._known_epochs.pop(row.job_id, None)

    def _add_running_jobs(self, progress: Progress, rows: Iterable[Any], current_time: datetime) -> None:
        running: set[UUID] = set()
        for row in rows:
            running.add(row.job_id)
            self._add_epochs(progress, row)
            self._add_time(progress, row, current_time)
            self._timed_until[row.job_id] = current_time
            self._known_epochs[row.job_id] = row.epochs_done
        for values in (self._timed_until, self._known_epochs):
            for job_id in values.keys() - running:
                del values[job_id]

    def _add_time(self, progress: Progress, row: Any, until: datetime) -> None:
        begin = self._timed_until.get(row.job_id, self._last_read_at)
        progress.training_s[row.queue] += max(0.0, (until - begin).total_seconds())

    def _add_epochs(self, progress: Progress, row: Any) -> None:
        """Count the epochs since the last reading. An attempt that continues from a checkpoint may have fewer."""
        is_from_zero = row.attempt == 1 and row.continued_from is None and row.job_id in self._timed_until
        known = self._known_epochs.get(row.job_id, 0 if is_from_zero else row.epochs_done)
        progress.epochs[row.queue] += max(0, row.epochs_done - known)


def _get_reason_code(reason: Mapping[str, Any] | None) -> str:
    return str((reason or {}).get("code", "none"))
