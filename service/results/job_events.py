"""The events of a job: its transitions and its epochs, numbered so that a client that was cut off misses none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import TERMINAL_STATES, Job, JobState, Transition
from service.history import metric_history
from service.history.metric_history import History
from service.jobs import queries

SLICE_BYTES = 2**16
"""Approximate maximum size in bytes of the events that are read at once, as JSON."""
_MAX_EPOCHS = 1000
_MAX_NUMBER_BYTES = 26
"""Size in bytes of a number in JSON with its separator."""
_MAX_TRANSITIONS = 100


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
    """The next events after a position, and the position after them; if `ended` is set, no more events will come.

    If `has_more` is set, the job already has more events. Then this batch is complete and does not change any more.
    """

    events: Sequence[JobEvent]
    position: EventPosition
    ended: bool
    has_more: bool = False


def load_events(session: Session, job_id: UUID, since: EventPosition) -> JobEventBatch:
    """Load the next events of a job after a position: a slice of bounded size.

    Epochs come after the transition with which their attempt began. An attempt that continues from a checkpoint also
    has the epochs of the attempts before it, and they come again.

    Raises:
        NotFound: there is no such job, or it was deleted.

    """
    job = queries.get_job_columns(session, job_id, Job.state, Job.epochs_done, Job.metric_names)
    transitions, has_more = _load_transitions(session, job_id, since)
    attempt_start = _find_attempt_start(session, job_id, since)
    events = [JobEvent(_advance(row, since), row) for row in transitions if row.number <= attempt_start]
    position = events[-1].position if events else since
    if has_more and transitions[-1].number < attempt_start:
        return JobEventBatch(events, position, ended=False, has_more=True)
    if job.epochs_done < position.epochs:  # the checkpoint could not be read, and the attempt restarted
        position = replace(position, epochs=0)
    max_epochs = compute_max_epochs(len(job.metric_names))
    history = metric_history.load_history(session, job_id, from_epoch=position.epochs, max_epochs=max_epochs + 1)
    if history.epochs:
        shown = _take_first(history, max_epochs)
        position = replace(position, epochs=shown.epochs[-1] + 1)
        events.append(JobEvent(position, shown))
    if len(history.epochs) > max_epochs:
        return JobEventBatch(events, position, ended=False, has_more=True)
    for row in transitions:
        if row.number > attempt_start:
            position = replace(position, transitions=row.number)
            events.append(JobEvent(position, row))
    return JobEventBatch(events, position, job.state in TERMINAL_STATES and not has_more, has_more)


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


def _load_transitions(session: Session, job_id: UUID, since: EventPosition) -> tuple[Sequence[Transition], bool]:
    """Return the next transitions after a position, and whether there are more."""
    rows = session.scalars(
        select(Transition)
        .where(Transition.job_id == job_id, Transition.number > since.transitions)
        .order_by(Transition.number)
        .limit(_MAX_TRANSITIONS + 1)
    ).all()
    return rows[:_MAX_TRANSITIONS], len(rows) > _MAX_TRANSITIONS


def _find_attempt_start(session: Session, job_id: UUID, since: EventPosition) -> int:
    """Return the number of the transition after a position with which the latest attempt began; 0 without one."""
    query = select(func.max(Transition.number)).where(
        Transition.job_id == job_id, Transition.number > since.transitions, Transition.to_state == JobState.RUNNING
    )
    return session.scalar(query) or 0


def compute_max_epochs(metric_count: int) -> int:
    """Return how many epochs with their metrics fit into a slice."""
    return min(_MAX_EPOCHS, max(1, SLICE_BYTES // (_MAX_NUMBER_BYTES * (metric_count + 1))))


def _take_first(history: History, count: int) -> History:
    return History(history.epochs[:count], {name: column[:count] for name, column in history.metrics.items()})
