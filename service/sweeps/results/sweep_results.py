"""What came out of a sweep: its best trials with intervals, their course over time, importance, and cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Job, Sweep, Trial, TrialState
from service.sweeps.importance import compute_importances
from service.sweeps.life.plan import SweepPlan, require_plan
from service.sweeps.life.search import OUTCOMES
from service.sweeps.proposals import SeenTrial
from service.sweeps.statistics import Estimate, PairedDifference, compare_pairs, estimate_mean

_COLUMNS = (
    Trial.number,
    Trial.parameters,
    Trial.state,
    Trial.value,
    Trial.repeat_values,
    Trial.rerun_count,
    Trial.reports,
    Trial.epochs,
    Trial.seconds,
    Trial.finished_at,
)


@dataclass(frozen=True)
class RankedTrial:
    """A complete trial: the mean of its repeats with its interval, and its difference to the best trial.

    The difference is None for the best trial itself, and for a trial that shares no repeat with it.
    """

    number: int
    parameters: Mapping[str, Any]
    estimate: Estimate
    difference: PairedDifference | None


@dataclass(frozen=True)
class Improvement:
    """A complete trial that was better than all that were complete before it.

    Args:
        number: the trial.
        value: its value at that time.
        complete_trials: the number of trials that were complete then, with itself.
        at: when it became complete.

    """

    number: int
    value: float
    complete_trials: int
    at: datetime


@dataclass(frozen=True)
class RungCount:
    """A rung: its number of epochs, how many trials have reached it, and the best value there."""

    epochs: int
    trials: int
    best: float | None


@dataclass(frozen=True)
class Importance:
    """The share of a parameter in what distinguishes the best trials. `key` also names the option of a choice."""

    pointer: str
    key: str
    share: float


@dataclass(frozen=True)
class Cost:
    """What the sweep has cost so far: its trials and jobs, and the epochs and seconds of their trainings."""

    trials: int
    jobs: int
    epochs: int
    seconds: float


@dataclass(frozen=True)
class SweepResults:
    """The results of a sweep so far. `ranking` has complete trials only, the best first."""

    sweep: Sweep
    metric: str
    mode: str
    ranking: Sequence[RankedTrial]
    improvements: Sequence[Improvement]
    rungs: Sequence[RungCount]
    importances: Sequence[Importance]
    cost: Cost


def load_sweep_results(session: Session, sweep: Sweep, *, max_ranked: int) -> SweepResults:
    """Load the results of a sweep.

    Args:
        session: to read from.
        sweep: the sweep.
        max_ranked: maximum number of trials in the ranking.

    """
    plan = require_plan(sweep)
    rows = session.execute(select(*_COLUMNS).where(Trial.sweep_id == sweep.id).order_by(Trial.number)).all()
    return SweepResults(
        sweep=sweep,
        metric=plan.objective.metric,
        mode=plan.objective.mode,
        ranking=_rank_trials(plan, rows, max_ranked),
        improvements=_list_improvements(plan, rows),
        rungs=_count_rungs(plan, rows),
        importances=_list_importances(plan, rows),
        cost=Cost(
            trials=sum(row.state is not TrialState.INVALID for row in rows),
            jobs=_count_jobs(session, sweep.id),
            epochs=sum(row.epochs for row in rows if row.state is not TrialState.WAITING),
            seconds=sum(row.seconds for row in rows),
        ),
    )


def map_repeats(repeat_values: Sequence[float], rerun_count: int) -> dict[int, float]:
    """Return the values of a trial by the numbers of its repeats; reruns count from 1."""
    return dict(enumerate(repeat_values, start=1 if rerun_count else 0))


def _rank_trials(plan: SweepPlan, rows: Sequence[Any], max_ranked: int) -> list[RankedTrial]:
    complete = [row for row in rows if row.state is TrialState.COMPLETE and row.value is not None]
    complete.sort(key=lambda row: (row.rerun_count == 0, plan.objective.sort_key(row.value), row.number))
    best = complete[0] if complete else None
    ranking: list[RankedTrial] = []
    for row in complete[:max_ranked]:
        estimate = estimate_mean(row.repeat_values)
        if estimate is not None:
            difference = None if row is best else _compare(row, best)
            ranking.append(RankedTrial(row.number, row.parameters, estimate, difference))
    return ranking


def _compare(row: Any, best: Any) -> PairedDifference | None:
    return compare_pairs(
        map_repeats(row.repeat_values, row.rerun_count), map_repeats(best.repeat_values, best.rerun_count)
    )


def _list_improvements(plan: SweepPlan, rows: Sequence[Any]) -> list[Improvement]:
    """Return the improvements of the search in their order; reruns are no part of it."""
    ends = [(_find_search_report(row, plan), row) for row in rows if row.state is TrialState.COMPLETE]
    finished = sorted(
        ((report["number"], report["value"], row) for report, row in ends if report is not None),
        key=lambda item: item[0],
    )
    improvements: list[Improvement] = []
    for count, (_, value, row) in enumerate(finished, start=1):
        if not improvements or plan.objective.is_better(value, improvements[-1].value):
            improvements.append(Improvement(row.number, value, count, row.finished_at))
    return improvements


def _find_search_report(row: Any, plan: SweepPlan) -> dict[str, Any] | None:
    """Return the report with which a trial became complete in the search."""
    reports = [report for report in row.reports[: len(plan.rungs) + 1] if report["value"] is not None]
    return reports[-1] if reports else None


def _count_rungs(plan: SweepPlan, rows: Sequence[Any]) -> list[RungCount]:
    if not plan.rungs or plan.spec.base is None:
        return []
    rungs = [*plan.rungs, plan.spec.base.training.epochs]
    counts: list[RungCount] = []
    for index, epochs in enumerate(rungs):
        values = [row.reports[index]["value"] for row in rows if len(row.reports) > index]
        best = plan.objective.select_best(value for value in values if value is not None)
        counts.append(RungCount(epochs, len(values), best))
    return counts


def _list_importances(plan: SweepPlan, rows: Sequence[Any]) -> list[Importance]:
    trials = [
        SeenTrial(row.number, row.parameters, OUTCOMES.get(row.state, "running"), row.value)
        for row in rows
        if row.state is TrialState.COMPLETE
    ]
    pointers = {dimension.key: dimension.pointer for dimension in plan.space.all_dimensions}
    shares = compute_importances(plan.space, plan.objective, trials)
    return [Importance(pointers[key], key, share) for key, share in shares.items()]


def _count_jobs(session: Session, sweep_id: UUID) -> int:
    return session.scalar(select(func.count()).select_from(Job).where(Job.sweep_id == sweep_id)) or 0
