"""A sweep's trials as an Optuna study in memory.

The database has the only truth. A study is built anew from it whenever Optuna is asked. Import this module only then:
Optuna takes half a second.
"""

import math
from collections.abc import Iterable, Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Self, cast

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from service.sweeps.proposals.seen_trial import SeenTrial
from stackyard.sweep import Dimension, IntRange, LogUniform, ResolvedObjective, SearchSpace, Uniform
from stackyard.sweep.parameter_values import count_values, get_code

_TIME = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""Optuna requires times of trials, and searches do not depend on them."""


class _SeenTrial(FrozenTrial):
    """A trial that nothing changes. A study copies its trials deeply, which would take most of the time."""

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return copy(self)


def build_study(
    space: SearchSpace,
    objective: ResolvedObjective,
    trials: Iterable[SeenTrial],
    sampler: BaseSampler | None = None,
) -> Study:
    """Return a study with the trials in the order of their numbers, those that still run included.

    A trial that diverged, or whose spec is not valid, has the worst value, so that the search leaves its region.
    Optuna does not learn from a trial that failed.

    Args:
        space: The space of the sweep. Its dimensions are the parameters of the study, by their keys.
        objective: The direction that is better.
        trials: The trials.
        sampler: What proposes the next trial.

    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    direction = "minimize" if objective.mode == "min" else "maximize"
    study = optuna.create_study(sampler=sampler, direction=direction)
    ordered = sorted(trials, key=lambda trial: trial.number)
    distributions = {dimension.key: build_distribution(dimension) for dimension in space.all_dimensions}
    study.add_trials([_convert_trial(space, objective, trial, distributions) for trial in ordered])
    return study


def suggest_code(trial: Trial, dimension: Dimension) -> int | float:
    """Return the sampler's code for a dimension."""
    match build_distribution(dimension):
        case FloatDistribution() as floats:
            return trial.suggest_float(dimension.key, floats.low, floats.high, step=floats.step, log=floats.log)
        case IntDistribution() as integers:
            return trial.suggest_int(dimension.key, integers.low, integers.high, step=integers.step, log=integers.log)
        case CategoricalDistribution() as categories:
            return cast("int", trial.suggest_categorical(dimension.key, categories.choices))
        case other:
            raise TypeError(f"expected a distribution of a parameter, received {other!r}")


def build_distribution(dimension: Dimension) -> BaseDistribution:
    """Return Optuna's distribution of a dimension's codes."""
    parameter = dimension.parameter
    count = count_values(parameter)
    match parameter:
        case Uniform(uniform=(low, high), step=step):
            last = high if count is None else float(get_code(parameter, count - 1))
            return FloatDistribution(low, last, step=step)
        case LogUniform(log_uniform=(low, high)):
            return FloatDistribution(low, high, log=True)
        case IntRange(int=(low, _), log=log, step=step):
            return IntDistribution(low, int(get_code(parameter, (count or 1) - 1)), log=log, step=step)
        case _:
            return CategoricalDistribution(tuple(range(count or 1)))


def _convert_trial(
    space: SearchSpace,
    objective: ResolvedObjective,
    seen: SeenTrial,
    distributions: Mapping[str, BaseDistribution],
) -> FrozenTrial:
    codes = space.read_codes(seen.parameters)
    state, value = _convert_outcome(objective, seen)
    rungs = {seen.epochs or 0: seen.value} if seen.outcome == "halted" and seen.value is not None else {}
    return _SeenTrial(
        number=seen.number,
        trial_id=seen.number,
        state=state,
        value=value,
        datetime_start=_TIME,
        datetime_complete=_TIME if state.is_finished() else None,
        params=codes,
        distributions={key: distributions[key] for key in codes},
        user_attrs={},
        system_attrs={},
        intermediate_values=rungs,
    )


def _convert_outcome(objective: ResolvedObjective, seen: SeenTrial) -> tuple[TrialState, float | None]:
    worst = objective.sign * math.inf
    match seen.outcome:
        case "running":
            return TrialState.RUNNING, None
        case "halted":
            return TrialState.PRUNED, seen.value
        case "failed":
            return TrialState.FAIL, None
        case "diverged" | "invalid":
            return TrialState.COMPLETE, worst
        case "complete":
            return TrialState.COMPLETE, worst if seen.value is None else seen.value
