"""Typed views of the server's answers about the trials and the results of a sweep."""

import importlib
from datetime import datetime
from typing import Any

from pydantic import Field

from stackyard.client.views import Json, View

ENDED_TRIAL_STATES = frozenset({"complete", "halted", "diverged", "failed", "invalid"})


_UNFINISHED = frozenset({"running", "paused"})


class SweepReason(View):
    """Why a sweep or a trial is in its state. Of an invalid trial, `errors` has the faults at pointers."""

    code: str
    message: str
    errors: list[Json] = Field(default=[])


class SweepObjective(View):
    """The metric that decides, the direction that is better (`min` or `max`), and which epoch counts."""

    metric: str
    mode: str = "min"
    at: str = "best"


class TrialCounts(View):
    """The number of trials in each state."""

    waiting: int = 0
    running: int = 0
    held: int = 0
    complete: int = 0
    halted: int = 0
    diverged: int = 0
    failed: int = 0
    invalid: int = 0

    @property
    def total(self) -> int:
        """The number of trials so far."""
        return self.waiting + self.running + self.held + self.ended

    @property
    def ended(self) -> int:
        """The number of trials that have ended, in whatever state."""
        return self.complete + self.halted + self.diverged + self.failed + self.invalid


class SweepBudget(View):
    """The bounds of the budget, None without one, and what the sweep has used of it."""

    trials: int | None = None
    epochs: int | None = None
    seconds: float | None = None
    used_trials: int = 0
    used_epochs: int = 0
    used_seconds: float = 0.0


class BestValue(View):
    """The number of the best complete trial, and its value."""

    trial: int
    value: float


class TrialJob(View):
    """A job of a trial. `repeat` counts from 0."""

    id: str
    repeat: int = 0
    state: str
    epochs_done: int = 0
    epochs: int = 0


class RungReport(View):
    """A trial's value after a number of epochs; None if it was not finite."""

    epoch: int
    value: float | None = None
    number: int = 0


class Trial(View):
    """A trial. `value` is the objective, as the mean of `repeat_values`.

    The value of a held or halted trial is from fewer epochs. `reruns` is the number of repeats on fresh seeds, which
    then make the value.
    """

    number: int
    parameters: dict[str, Any]
    is_from_client: bool = False
    state: str
    reason: SweepReason | None = None
    value: float | None = None
    repeat_values: list[float]
    rung: int = 0
    reports: list[RungReport]
    reruns: int = 0
    epochs: int = 0
    seconds: float = 0.0
    jobs: list[TrialJob]
    created_at: datetime
    finished_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether the trial has ended."""
        return self.state in ENDED_TRIAL_STATES


class BestTrial(View):
    """The best complete trial, and the job of its best repeat; None if the trial's jobs were deleted."""

    trial: Trial
    job: str | None = None
    links: dict[str, str] | None = None

    @property
    def number(self) -> int:
        """The number of the trial."""
        return self.trial.number

    @property
    def value(self) -> float | None:
        """The value of the trial."""
        return self.trial.value

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the trial by their JSON pointers into the base."""
        return self.trial.parameters


class Estimate(View):
    """The mean of `n` values, and its 95 % interval by Student's t; None for a single value."""

    n: int
    mean: float
    low: float | None = None
    high: float | None = None


class PairedDifference(View):
    """A trial's value less that of the best one, over the repeats that both have.

    `is_distinguishable` says whether the interval excludes 0; it is None with fewer than two common repeats.
    """

    difference: Estimate
    is_distinguishable: bool | None = None


class RankedTrial(View):
    """A complete trial. `difference` is None for the best one, and without a repeat in common with the best one."""

    number: int
    parameters: dict[str, Any]
    estimate: Estimate
    difference: PairedDifference | None = None


class Improvement(View):
    """A trial that was better than all before it, and the number of complete trials then."""

    number: int
    value: float
    complete_trials: int
    at: datetime


class RungCount(View):
    """How many trials have reached a number of epochs, and the best value there."""

    epochs: int
    trials: int
    best: float | None = None


class Importance(View):
    """The share of a parameter in what distinguishes the best tenth of the trials."""

    pointer: str
    key: str = ""
    share: float


class SweepCost(View):
    """The trials and the jobs of a sweep, and the epochs and seconds of their trainings."""

    trials: int = 0
    jobs: int = 0
    epochs: int = 0
    seconds: float = 0.0


class SweepStatistics(View):
    """The results of a sweep so far: complete trials with the best first, the course of the search, and its cost."""

    metric: str
    mode: str
    best: BestValue | None = None
    ranking: list[RankedTrial]
    improvements: list[Improvement]
    rungs: list[RungCount]
    importances: list[Importance]
    cost: SweepCost = SweepCost()


class TrialTable(View):
    """All trials as columns of equal length. `parameters` has a column for each pointer; None where it is not used."""

    number: list[int]
    state: list[str]
    value: list[float | None]
    n: list[int]
    epochs: list[int]
    seconds: list[float]
    job: list[str | None]
    parameters: dict[str, list[Any]]

    def to_columns(self) -> dict[str, list[Any]]:
        """Return all columns by their names; those of the parameters are named by their pointers."""
        names = ("number", "state", "value", "n", "epochs", "seconds", "job")
        return {name: getattr(self, name) for name in names} | self.parameters

    def to_frame(self) -> Any:
        """Return a pandas `DataFrame` with a row for each trial, by `number`.

        Raises:
            ImportError: pandas is not installed.

        """
        pandas: Any = importlib.import_module("pandas")
        return pandas.DataFrame(self.to_columns()).astype({"value": "float64"}).set_index("number")


class SweepView(View):
    """A sweep as it was when the server answered. `owner` is the user who submitted it."""

    id: str
    owner: str | None = None
    project: str | None = None
    name: str | None = None
    tags: list[str]
    state: str
    reason: SweepReason | None = None
    ending: SweepReason | None = None
    method: str
    objective: SweepObjective
    priority: int = 0
    max_concurrent: int | None = None
    counts: TrialCounts = TrialCounts()
    budget: SweepBudget = SweepBudget()
    best_value: BestValue | None = Field(default=None, alias="best")
    created_at: datetime
    changed_at: datetime | None = None
    finished_at: datetime | None = None
    rungs: list[int] = Field(default=[])
    rerun_trials: list[int] | None = None
    spec: Json = Field(default={})

    @property
    def finished(self) -> bool:
        """Whether the sweep has ended."""
        return self.state not in _UNFINISHED

    @property
    def succeeded(self) -> bool:
        """Whether the sweep has ended by itself, or because a client has finished it."""
        return self.state == "succeeded"
