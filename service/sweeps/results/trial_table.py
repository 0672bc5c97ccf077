"""All trials of a sweep as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Job, Sweep, Trial, TrialState


@dataclass(frozen=True)
class TrialRow:
    """A trial: its first job, and `n`, the number of repeats that its value is the mean of."""

    number: int
    state: TrialState
    value: float | None
    n: int
    epochs: int
    seconds: float
    job_id: UUID | None
    parameters: Mapping[str, JsonValue]


@dataclass(frozen=True)
class TrialTable:
    """The trials in the order of their numbers, and the pointers of all their parameters."""

    rows: Sequence[TrialRow]
    pointers: Sequence[str]


def load_trial_table(session: Session, sweep: Sweep) -> TrialTable:
    """Load all trials of a sweep."""
    first_jobs = (
        select(Job.trial_number, func.min(Job.repeat).label("repeat"))
        .where(Job.sweep_id == sweep.id)
        .group_by(Job.trial_number)
        .subquery()
    )
    jobs_query = select(Job.trial_number, Job.id).join(
        first_jobs, (Job.trial_number == first_jobs.c.trial_number) & (Job.repeat == first_jobs.c.repeat)
    )
    jobs = {row[0]: row[1] for row in session.execute(jobs_query.where(Job.sweep_id == sweep.id))}
    running = set(session.scalars(select(Job.trial_number).where(Job.sweep_id == sweep.id, Job.state == "running")))
    query = select(Trial).where(Trial.sweep_id == sweep.id).order_by(Trial.number)
    rows = [_build_row(trial, jobs.get(trial.number), trial.number in running) for trial in session.scalars(query)]
    return TrialTable(rows, list(dict.fromkeys(pointer for row in rows for pointer in row.parameters)))


def _build_row(trial: Trial, job_id: UUID | None, is_running: bool) -> TrialRow:
    return TrialRow(
        number=trial.number,
        state=TrialState.RUNNING if is_running and trial.state is TrialState.WAITING else trial.state,
        value=trial.value,
        n=len(trial.repeat_values),
        epochs=trial.epochs,
        seconds=trial.seconds,
        job_id=job_id,
        parameters=trial.parameters,
    )
