"""Response schemas for sweeps."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, JsonValue

from models import JobState, SweepState, TrialState
from service.sweeps.life.plan import find_plan
from service.sweeps.queries import SweepDetails
from service.sweeps.results.sweep_results import SweepResults
from service.sweeps.results.trial_lists import TrialDetails
from stackyard.sweep import Budget


class SweepReasonView(BaseModel):
    """Why a sweep is in its state, or about to end: a code for programs, a sentence for people."""

    code: str
    message: str


class TrialReasonView(BaseModel):
    """Why a trial is in its state. Of an invalid trial, `errors` has the faults at pointers into the sweep."""

    code: str
    message: str
    errors: list[dict[str, JsonValue]] = []


class TrialCountsView(BaseModel):
    """The number of trials in each state."""

    waiting: int
    running: int
    held: int
    complete: int
    halted: int
    diverged: int
    failed: int
    invalid: int


class SweepObjectiveView(BaseModel):
    """The metric that decides, whether less or more of it is better, and which epoch counts."""

    metric: str
    mode: Literal["min", "max"]
    at: Literal["best", "last"]


class BudgetView(BaseModel):
    """The bounds of the budget, null without one, and what is used: trials that are not invalid, epochs, seconds.

    Epochs and seconds are those of trials that have ended or are held.
    """

    trials: int | None
    epochs: int | None
    seconds: float | None
    used_trials: int
    used_epochs: int
    used_seconds: float


class BestView(BaseModel):
    """The best complete trial so far."""

    trial: int
    value: float


class SweepSummaryView(BaseModel):
    """A sweep in a list. `ending` says why a running sweep is about to end; then its jobs stop or end first.

    `objective` is null, and the budget has no bounds, if this release cannot read the spec of the sweep. `owner` is
    the name of the user who submitted it, or null on a server without users, and `project` the name of its project.
    """

    id: UUID
    owner: str | None
    project: str
    name: str | None
    tags: list[str]
    state: SweepState
    reason: SweepReasonView | None
    ending: SweepReasonView | None
    method: str
    objective: SweepObjectiveView | None
    priority: int
    max_concurrent: int | None
    counts: TrialCountsView
    budget: BudgetView
    best: BestView | None
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, details: SweepDetails) -> "SweepSummaryView":
        """Return the view of a sweep."""
        return cls.model_validate(_build_summary(details))


class SweepView(SweepSummaryView):
    """A sweep with its spec, without the defaults that the client left out.

    `rungs` are the numbers of epochs at which halving decides, and `rerun_trials` the best trials, which run again on
    fresh seeds.
    """

    rungs: list[int]
    rerun_trials: list[int] | None
    spec: dict[str, Any]

    @classmethod
    def of(cls, details: SweepDetails) -> "SweepView":
        """Return the view of a sweep."""
        sweep, plan = details.sweep, find_plan(details.sweep)
        return cls.model_validate(
            _build_summary(details)
            | {"rungs": () if plan is None else plan.rungs, "rerun_trials": sweep.rerun_trials, "spec": sweep.spec}
        )


class SweepPage(BaseModel):
    """A page of sweeps, newest first. `next` is the `cursor` of the next page, or null."""

    items: list[SweepSummaryView]
    next: str | None


class TrialJobView(BaseModel):
    """A job of a trial. `repeat` counts from 0; the reruns of the best trials count from 1."""

    id: UUID
    repeat: int
    state: JobState
    epochs_done: int
    epochs: int


class RungReportView(BaseModel):
    """A value of a trial after a number of epochs, null if it was not finite. `number` is its order in the sweep."""

    epoch: int
    value: float | None
    number: int


class TrialView(BaseModel):
    """A trial. `value` is the objective, as the mean of `repeat_values`; of a held or halted one, after fewer epochs.

    `reports` has the values at the rungs, and at the end. `proposed_after` is the number of reports that the search
    had seen. `reruns` is the number of repeats on fresh seeds, which then make the value.
    """

    number: int
    parameters: dict[str, JsonValue]
    is_from_client: bool
    proposed_after: int
    state: TrialState
    reason: TrialReasonView | None
    value: float | None
    repeat_values: list[float]
    rung: int
    reports: list[RungReportView]
    reruns: int
    epochs: int
    seconds: float
    jobs: list[TrialJobView]
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, details: TrialDetails) -> "TrialView":
        """Return the view of a trial."""
        trial = details.trial
        names = set(cls.model_fields) - {"state", "reruns", "jobs"}
        return cls.model_validate(
            {name: getattr(trial, name) for name in names}
            | {
                "state": details.state,
                "reruns": trial.rerun_count,
                "jobs": [asdict(job) for job in details.jobs],
            }
        )


class TrialPage(BaseModel):
    """A page of trials. `next` is the `cursor` of the next page, or null."""

    items: list[TrialView]
    next: str | None


class BestTrialLinks(BaseModel):
    """Where to get the best trial's job, its model as a Keras file, its training as a script, and its spec."""

    job: str
    model: str
    script: str
    spec: str


class BestTrialView(BaseModel):
    """The best complete trial, and links to the results of its best repeat. `job` is null if its jobs were deleted."""

    trial: TrialView
    job: UUID | None
    links: BestTrialLinks | None


class EstimateView(BaseModel):
    """The mean of `n` values, and its 95 % interval by Student's t; null for a single value."""

    n: int
    mean: float
    low: float | None
    high: float | None


class DifferenceView(BaseModel):
    """A trial's value less that of the best one, over the repeats that both have.

    `is_distinguishable` says whether the interval excludes 0; it is null with fewer than two common repeats.
    """

    difference: EstimateView
    is_distinguishable: bool | None


class RankedTrialView(BaseModel):
    """A complete trial. `difference` is null for the best one, and where it shares no repeat with the best one."""

    number: int
    parameters: dict[str, JsonValue]
    estimate: EstimateView
    difference: DifferenceView | None


class ImprovementView(BaseModel):
    """A trial that was better than all before it; `complete_trials` were complete then, with itself."""

    number: int
    value: float
    complete_trials: int
    at: datetime


class RungCountView(BaseModel):
    """A rung: how many trials have reached it, and the best value there. The last one is the whole training."""

    epochs: int
    trials: int
    best: float | None


class ImportanceView(BaseModel):
    """The share of a parameter in what distinguishes the best tenth of the trials (PED-ANOVA)."""

    pointer: str
    key: str
    share: float


class CostView(BaseModel):
    """What the sweep has cost: its trials, its jobs, and the epochs and seconds of their trainings."""

    trials: int
    jobs: int
    epochs: int
    seconds: float


class SweepResultsView(BaseModel):
    """The results of a sweep so far. `ranking` has complete trials, the best first.

    `importances` is empty with fewer than ten complete trials.
    """

    metric: str
    mode: Literal["min", "max"]
    best: BestView | None
    ranking: list[RankedTrialView]
    improvements: list[ImprovementView]
    rungs: list[RungCountView]
    importances: list[ImportanceView]
    cost: CostView

    @classmethod
    def of(cls, results: SweepResults) -> "SweepResultsView":
        """Return the view of results."""
        lists = {
            name: [asdict(item) for item in getattr(results, name)]
            for name in ("ranking", "improvements", "rungs", "importances")
        }
        sweep = results.sweep
        best = None if sweep.best_trial is None else {"trial": sweep.best_trial, "value": sweep.best_value}
        return cls.model_validate(
            {"metric": results.metric, "mode": results.mode, "best": best, "cost": asdict(results.cost)} | lists
        )


class TrialTableView(BaseModel):
    """All trials as columns of equal length. `parameters` has a column for each pointer; null where it is not used."""

    number: list[int]
    state: list[TrialState]
    value: list[float | None]
    n: list[int]
    epochs: list[int]
    seconds: list[float]
    job: list[UUID | None]
    parameters: dict[str, list[JsonValue]]


def _build_summary(details: SweepDetails) -> dict[str, Any]:
    sweep = details.sweep
    plan = find_plan(sweep)
    budget = Budget() if plan is None else plan.spec.budget
    counts = {state.value: count for state, count in details.counts.items()}
    return {
        "id": sweep.id,
        "owner": details.owner,
        "project": details.project,
        "name": sweep.name,
        "tags": [] if plan is None else list(plan.spec.tags),
        "state": sweep.state,
        "reason": sweep.reason,
        "ending": None if sweep.ending is None or sweep.finished_at is not None else sweep.ending["reason"],
        "method": sweep.method,
        "objective": None if plan is None else asdict(plan.objective),
        "priority": sweep.priority,
        "max_concurrent": None if plan is None else plan.spec.concurrency,
        "counts": counts,
        "budget": {
            "trials": budget.trials,
            "epochs": budget.epochs,
            "seconds": budget.seconds,
            "used_trials": sweep.trial_count - details.counts[TrialState.INVALID],
            "used_epochs": details.epochs,
            "used_seconds": details.seconds,
        },
        "best": None if sweep.best_trial is None else {"trial": sweep.best_trial, "value": sweep.best_value},
        "created_at": sweep.created_at,
        "changed_at": sweep.changed_at,
        "finished_at": sweep.finished_at,
    }
