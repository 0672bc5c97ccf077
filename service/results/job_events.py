"""A job's news: its transitions and its epochs, numbered so that whoever went away hears what was missed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import TERMINAL_STATES, Job, JobState, Transition
from service.history import metric_history
from service.history.metric_history import History
from service.jobs import jobs

_EPOCHS_AT_ONCE = 1000


@dataclass(frozen=True)
class Position:
    """How much of a job's news somebody has: so many transitions, and of the latest attempt so many epochs."""

    transitions: int = 0
    epochs: int = 0


@dataclass(frozen=True)
class Event:
    """One piece of news, and the position after it."""

    position: Position
    content: Transition | History


@dataclass(frozen=True)
class News:
    """What is new after a position; `position` is the one after all of it, and `ended` says that no more will come."""

    events: Sequence[Event]
    position: Position
    ended: bool


def read(session: Session, job_id: UUID, since: Position) -> News:
    """What there is of a job's news after a position.

    Epochs stand where they happened: after the transition by which their attempt began. An attempt that goes on from a
    checkpoint has the epochs of those before it, too, and tells them again.

    Raises:
        NotFound: there is no such job, or no more.

    """
    job = jobs.get(session, job_id)
    steps = list(
        session.scalars(
            select(Transition)
            .where(Transition.job_id == job_id, Transition.number > since.transitions)
            .order_by(Transition.number)
        )
    )
    began = max((step.number for step in steps if step.to_state == JobState.RUNNING), default=0)
    before, after = [step for step in steps if step.number <= began], [step for step in steps if step.number > began]
    events = [Event(_after(step, since), step) for step in before]
    here = events[-1].position if events else since
    if job.epochs_done < here.epochs:  # its checkpoint could not be read, and the attempt began anew
        here = replace(here, epochs=0)
    for epochs in _pieces(metric_history.read(session, job_id, from_epoch=here.epochs)):
        here = replace(here, epochs=epochs.epochs[-1] + 1)
        events.append(Event(here, epochs))
    events += [Event(replace(here, transitions=step.number), step) for step in after]
    return News(events, events[-1].position if events else here, job.state in TERMINAL_STATES)


def marks(session: Session, job_ids: Sequence[UUID]) -> dict[UUID, Position]:
    """How far the news of each of the jobs goes at this moment; those that are not there are left out."""
    steps = select(func.max(Transition.number)).where(Transition.job_id == Job.id).scalar_subquery()
    rows = session.execute(select(Job.id, Job.epochs_done, steps.label("steps")).where(Job.id.in_(job_ids)))
    return {row.id: Position(row.steps or 0, row.epochs_done) for row in rows}


def _after(step: Transition, since: Position) -> Position:
    """The position after a step up to the beginning of the latest attempt, of whose epochs nothing was told yet."""
    return Position(step.number, 0 if step.to_state == JobState.RUNNING else since.epochs)


def _pieces(told: History) -> Iterator[History]:
    for first in range(0, len(told.epochs), _EPOCHS_AT_ONCE):
        piece = slice(first, first + _EPOCHS_AT_ONCE)
        yield History(told.epochs[piece], {name: column[piece] for name, column in told.metrics.items()})
