"""The events of a job: its transitions and its epochs, numbered so that a client that was cut off misses none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import TERMINAL_STATES, Job, JobState, Transition
from service.history import metric_history
from service.history.metric_history import History
from service.jobs import queries

_MAX_EPOCHS_PER_EVENT = 1000


@dataclass(frozen=True)
class EventPosition:
    """A position in the events of a job: the number of transitions, and of epochs of the latest attempt, before it."""

    transitions: int = 0
    epochs: int = 0


@dataclass(frozen=True)
class JobEvent:
    """An event of a job, and the position after it."""

    position: EventPosition
    content: Transition | History


@dataclass(frozen=True)
class JobEventBatch:
    """The events after a position, and the position after them; if `ended` is set, no more events will come."""

    events: Sequence[JobEvent]
    position: EventPosition
    ended: bool


def load_events(session: Session, job_id: UUID, since: EventPosition) -> JobEventBatch:
    """Load the events of a job after a position.

    Epochs come after the transition with which their attempt began. An attempt that continues from a checkpoint also
    has the epochs of the attempts before it, and they come again.

    Raises:
        NotFound: there is no such job, or it was deleted.

    """
    job = queries.get_job(session, job_id)
    transitions = list(
        session.scalars(
            select(Transition)
            .where(Transition.job_id == job_id, Transition.number > since.transitions)
            .order_by(Transition.number)
        )
    )
    attempt_start = max((row.number for row in transitions if row.to_state == JobState.RUNNING), default=0)
    before_epochs = [row for row in transitions if row.number <= attempt_start]
    after_epochs = [row for row in transitions if row.number > attempt_start]
    events = [JobEvent(_advance(row, since), row) for row in before_epochs]
    position = events[-1].position if events else since
    if job.epochs_done < position.epochs:  # the checkpoint could not be read, and the attempt restarted
        position = replace(position, epochs=0)
    for history in _split_history(metric_history.load_history(session, job_id, from_epoch=position.epochs)):
        position = replace(position, epochs=history.epochs[-1] + 1)
        events.append(JobEvent(position, history))
    events += [JobEvent(replace(position, transitions=row.number), row) for row in after_epochs]
    return JobEventBatch(events, events[-1].position if events else position, job.state in TERMINAL_STATES)


def load_latest_positions(session: Session, job_ids: Sequence[UUID]) -> dict[UUID, EventPosition]:
    """Return the position after the last event of each job; jobs that do not exist are left out."""
    last_transition = select(func.max(Transition.number)).where(Transition.job_id == Job.id).scalar_subquery()
    rows = session.execute(
        select(Job.id, Job.epochs_done, last_transition.label("transitions")).where(Job.id.in_(job_ids))
    )
    return {row.id: EventPosition(row.transitions or 0, row.epochs_done) for row in rows}


def _advance(transition: Transition, since: EventPosition) -> EventPosition:
    """Return the position after a transition that comes before the epochs of the latest attempt."""
    return EventPosition(transition.number, 0 if transition.to_state == JobState.RUNNING else since.epochs)


def _split_history(history: History) -> Iterator[History]:
    for start in range(0, len(history.epochs), _MAX_EPOCHS_PER_EVENT):
        rows = slice(start, start + _MAX_EPOCHS_PER_EVENT)
        yield History(history.epochs[rows], {name: column[rows] for name, column in history.metrics.items()})
