"""What a check tells about a sweep before it runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from stackyard.spec import Advice, Fault
from stackyard.sweep import Parameters, ResolvedObjective


@dataclass(frozen=True)
class SampleError:
    """An error of sampled trials, how many of them have it, and the parameters of the first one."""

    fault: Fault
    count: int
    parameters: Parameters


@dataclass(frozen=True)
class Samples:
    """The sampled trials: how many were checked, how many are invalid, and why."""

    count: int
    invalid: int
    errors: Sequence[SampleError]


@dataclass(frozen=True)
class Rung:
    """One rung of halving: the epochs after which trials pause, and about how many trials reach it."""

    epoch: int
    trials: int


@dataclass(frozen=True)
class Plan:
    """How much a sweep runs, with its budget used up; None where the budget does not say.

    Attributes:
        trials: Number of trials.
        jobs: Number of jobs: one for each repeat of each trial.
        epochs: Epochs of all jobs together, about.
        rungs: The rungs, ascending; empty without halving.

    """

    trials: int | None
    jobs: int | None
    epochs: int | None
    rungs: Sequence[Rung]


@dataclass(frozen=True)
class Duration:
    """An estimate from past runs.

    Attributes:
        training_s: Seconds of all trainings together.
        elapsed_s: Seconds until the sweep ends on the workers that are alive; None without a worker.
        known_share: The share of the samples whose architecture has past runs.

    """

    training_s: float
    elapsed_s: float | None
    known_share: float


@dataclass(frozen=True)
class SweepReport:
    """The report on a valid sweep.

    Attributes:
        objective: The objective, with its metric and direction.
        dimensions: Number of parameters, those of all options included.
        grid_size: Number of combinations; None if a parameter is continuous.
        plan: How much the sweep runs.
        samples: The sampled trials.
        architectures: Number of different architectures among the samples. Workers compile each one once.
        duration: How long it takes; None without past runs, or if the number of epochs is unknown.
        warnings: Probable mistakes.

    """

    objective: ResolvedObjective
    dimensions: int
    grid_size: int | None
    plan: Plan
    samples: Samples
    architectures: int
    duration: Duration | None
    warnings: Sequence[Advice]
