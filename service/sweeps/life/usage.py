"""How much of a sweep's budget is used, and what still fits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Job, JobState, Trial, TrialState
from service.db.database import get_current_time
from service.sweeps.life.plan import SweepPlan
from service.team import limits


@dataclass(frozen=True)
class Usage:
    """What a sweep has used so far.

    Args:
        trials: trials in any state but `invalid`.
        epochs: epochs that jobs have trained, and those that started ones will train at most.
        seconds: run time of jobs, with that of running ones so far.

    """

    trials: int
    epochs: int
    seconds: float

    def add(self, trials: int, epochs: int) -> "Usage":
        """Return the usage after so many more trials and epochs were started."""
        return replace(self, trials=self.trials + trials, epochs=self.epochs + epochs)


@dataclass(frozen=True)
class Allowance:
    """The bounds of a sweep's search; None without a bound."""

    trials: int | None
    epochs: int | None
    seconds: float | None

    def find_exhausted(self, usage: Usage, trials: int, epochs: int) -> str | None:
        """Return the name of a bound that so many more trials and epochs would exceed; None if they fit."""
        if self.trials is not None and usage.trials + trials > self.trials:
            return "trials"
        if self.epochs is not None and usage.epochs + epochs > self.epochs:
            return "epochs"
        if self.seconds is not None and usage.seconds >= self.seconds:
            return "seconds"
        return None


def load_usage(session: Session, sweep_id: UUID, plan: SweepPlan) -> Usage:
    """Return what the sweep has used so far. Running jobs count only where the budget bounds the seconds."""
    sums = select(
        func.count(), func.coalesce(func.sum(Trial.epochs), 0), func.coalesce(func.sum(Trial.seconds), 0.0)
    ).where(Trial.sweep_id == sweep_id, Trial.state != TrialState.INVALID)
    trials, epochs, seconds = session.execute(sums).one()
    if plan.spec.budget.seconds is not None:
        seconds += _measure_running_jobs(session, sweep_id)
    return Usage(trials, int(epochs), seconds)


def count_trials_by_state(session: Session, sweep_id: UUID) -> Mapping[TrialState, int]:
    """Count the trials of a sweep by the state in their rows; every state has a count."""
    query = select(Trial.state, func.count()).where(Trial.sweep_id == sweep_id).group_by(Trial.state)
    counts = {row[0]: int(row[1]) for row in session.execute(query)}
    return {state: counts.get(state, 0) for state in TrialState}


def compute_allowance(session: Session, sweep_id: UUID, plan: SweepPlan) -> Allowance:
    """Return the bounds of the search: the budget without what the reruns of the best trials need."""
    budget, repeats = plan.spec.budget, plan.spec.repeats
    if repeats.of_top is None or (budget.epochs is None and budget.seconds is None):
        return Allowance(budget.trials, budget.epochs, budget.seconds)
    reruns = repeats.of_top * repeats.count
    longest, seconds = session.execute(
        select(func.max(Trial.epochs), func.avg(Trial.seconds)).where(
            Trial.sweep_id == sweep_id, Trial.state == TrialState.COMPLETE, Trial.rerun_count == 0
        )
    ).one()
    base_epochs = plan.spec.base.training.epochs if plan.spec.base is not None else longest or 0
    return Allowance(
        budget.trials,
        _reserve(budget.epochs, reruns * base_epochs, base_epochs),
        _reserve(budget.seconds, reruns * (seconds or 0.0), 0.0),
    )


def count_fitting_trials(session: Session, owner_id: UUID | None, trials: int, jobs_per_trial: int) -> int:
    """Return how many of some new trials may start now, by the limit on the waiting jobs of the sweep's owner.

    A trial that has more jobs than its owner may have waiting starts once none of them waits. Otherwise it would never
    start.
    """
    places = limits.count_free_queue_places(session, owner_id) if trials > 0 else None
    if places is None:
        return trials
    fitting = min(trials, places // max(1, jobs_per_trial))
    return fitting or int(not limits.count_waiting_jobs(session, owner_id))


def _reserve(bound: float | None, reserve: float, least: float) -> Any:
    """Return a bound less a reserve, if something is left to search with."""
    if bound is None:
        return None
    return bound - reserve if bound - reserve > least else bound


def _measure_running_jobs(session: Session, sweep_id: UUID) -> float:
    """Return the run time of running jobs that their trials do not have yet."""
    rows = session.execute(select(Job.started_at).where(Job.sweep_id == sweep_id, Job.state == JobState.RUNNING)).all()
    if not rows:
        return 0.0
    now = get_current_time(session)
    return sum((now - row.started_at).total_seconds() for row in rows if row.started_at is not None)
