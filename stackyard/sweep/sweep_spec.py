"""The spec of a sweep: a base spec, a search space, and how to search it."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import JsonArray, PositiveFloat, PositiveInt, Seed, SpecModel
from stackyard.spec.job import JobName, JobSpec, Tags
from stackyard.spec.short_form import ShortForm
from stackyard.spec.training.callbacks import Monitor
from stackyard.spec.training.run import Priority
from stackyard.sweep.space import Space

Method = Literal["grid", "random", "sobol", "tpe", "list", "external"]
MAX_TRIALS = 100_000
"""Number of trials of one sweep."""
MAX_SPECS = 2_000
"""Number of explicit specs of one sweep."""
MAX_DIMENSIONS = 500
"""Number of parameters and options of one space, those of its options included."""

DEFAULT_CONCURRENCY = 4
"""Number of trials that run at once where the search learns from results."""

TrialCount = Annotated[int, Field(ge=1, le=MAX_TRIALS)]


class Search(SpecModel):
    """How the parameters of the next trial are chosen. A string is short for the object with that `method`.

    - `grid`: every combination, the last parameter fastest;
    - `random`: independent draws;
    - `sobol`: a scrambled Sobol sequence, which covers the space more evenly than random draws;
    - `tpe`: Optuna's tree-structured Parzen estimator, which learns from the trials so far;
    - `list`: the `specs` of the sweep, in their order;
    - `external`: the client chooses the parameters and adds each trial.

    The parameters of a trial depend on `seed`, on the number of the trial, and on the results that `tpe` has seen.
    """

    method: Method = "tpe"
    seed: Seed = 0


class Objective(SpecModel):
    """The column of the history that decides which trial is better.

    If `metric` is null, it is `val_loss`, or `loss` without a validation set. With the `mode` "auto", the class of the
    metric decides whether more or less is better. `at` "best" takes the best epoch, "last" the last one.
    """

    metric: Monitor | None = None
    mode: Literal["auto", "min", "max"] = "auto"
    at: Literal["best", "last"] = "best"


class Halving(SpecModel):
    """Asynchronous successive halving: each trial pauses at a rung, and the best 1/`eta` of a rung go on.

    The rungs are `from_epoch` times the powers of `eta`, below the epochs of the base. A trial that goes on continues
    from its checkpoint, and ends as if it had never been paused.
    """

    eta: Annotated[int, Field(ge=2, le=100)] = 3
    from_epoch: PositiveInt = 1


class Repeats(SpecModel):
    """Jobs of one trial with different seeds. All trials use the same seeds, so that comparisons are paired.

    With `vary` "training", the seeds of the splits are fixed first, so that all repeats train on the same rows. With
    "all", each repeat also draws its split anew.

    If `of_top` is null, each trial runs `count` times. Otherwise each runs once, and after the search the best
    `of_top` trials run `count` more times, with fresh seeds.
    """

    count: Annotated[int, Field(ge=1, le=1000)] = 1
    vary: Literal["training", "all"] = "training"
    of_top: Annotated[int, Field(ge=1, le=1000)] | None = None


class Budget(SpecModel):
    """Upper bounds on what the sweep starts: trials, epochs of all jobs together, and seconds of all trainings."""

    trials: TrialCount | None = None
    epochs: PositiveInt | None = None
    seconds: PositiveFloat | None = None


class Stop(SpecModel):
    """When the search ends early.

    - `target`: a trial has reached this value of the objective;
    - `no_better_for`: so many trials in a row were no better than the best before them;
    - `failed`: so many trials have failed.
    """

    target: float | None = None
    no_better_for: TrialCount | None = None
    failed: TrialCount | None = None


class SweepSpec(SpecModel):
    """A search over job specs: each trial is the base with other values at the pointers of the space.

    With the method "list", `specs` takes the place of `base` and `space`.

    `priority` is that of all jobs; if null, the base's own. If `max_concurrent` is null, 4 trials run at once where
    the search learns from results; all other trials are queued at once.
    """

    name: JobName | None = None
    tags: Tags = ()
    priority: Priority | None = None
    base: JobSpec | None = None
    space: Space = Field(default={}, max_length=MAX_DIMENSIONS)
    specs: Annotated[JsonArray[JobSpec], Field(max_length=MAX_SPECS)] = ()
    search: Annotated[Search, ShortForm("method", Method, (str,))] = Search()
    objective: Annotated[Objective, ShortForm("metric", Monitor, (str,))] = Objective()
    halving: Halving | None = None
    repeats: Annotated[Repeats, ShortForm("count", PositiveInt, (int,))] = Repeats()
    budget: Annotated[Budget, ShortForm("trials", TrialCount, (int,))] = Budget()
    stop: Stop = Stop()
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] | None = None

    @property
    def method(self) -> Method:
        """The method of the search; for a sweep with `specs` it is "list" if it names no other."""
        return "list" if self.specs and "search" not in self.model_fields_set else self.search.method

    @property
    def learns_from_results(self) -> bool:
        """Whether the results of earlier trials decide on later ones."""
        return self.method == "tpe" or self.halving is not None

    @property
    def concurrency(self) -> int | None:
        """How many trials run at once; None without a bound."""
        if self.max_concurrent is not None:
            return self.max_concurrent
        return DEFAULT_CONCURRENCY if self.learns_from_results else None
