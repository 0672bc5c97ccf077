"""Find sweeps that some process should advance, because the one that could have done it died."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from models import SWEEP_END_STATES, TERMINAL_STATES, Job, JobState, Sweep, SweepState, Trial, TrialState
from service.jobs import lifecycle


def list_due_sweeps(session: Session) -> Sequence[UUID]:
    """Return the ids of the sweeps with work that needs no further job to end.

    Either the last transaction left work, or a job of an open trial has ended or is held.
    """
    is_at_rung = and_(Job.state == JobState.PAUSED, Job.reason["code"].as_string() == lifecycle.UNTIL_EPOCH)
    has_reported_job = exists().where(
        Trial.sweep_id == Sweep.id,
        Trial.state == TrialState.WAITING,
        Job.sweep_id == Trial.sweep_id,
        Job.trial_number == Trial.number,
        or_(Job.state.in_(TERMINAL_STATES), is_at_rung),
    )
    is_open = Sweep.state.not_in(SWEEP_END_STATES)
    has_work = and_(Sweep.has_more_work, Sweep.state == SweepState.RUNNING)
    return session.scalars(
        select(Sweep.id).where(is_open, or_(has_work, Sweep.ending.is_not(None), has_reported_job))
    ).all()


def list_open_sweeps(session: Session) -> Sequence[UUID]:
    """Return the ids of all sweeps that have not ended."""
    return session.scalars(select(Sweep.id).where(Sweep.state.not_in(SWEEP_END_STATES))).all()
