"""The method `tpe`: Optuna's tree-structured Parzen estimator.

Each proposal asks a fresh sampler, seeded by the sweep and the number of the trial, about a fresh study. So it is a
pure function of the trials: a restart changes nothing. Import this module only when a sweep uses the method.
"""

from collections.abc import Sequence

from optuna.samplers import TPESampler

from service.sweeps.optuna_study import build_study, suggest_code
from service.sweeps.proposals.seen_trial import SeenTrial
from stackyard.sweep import Parameters, SearchSpace, SweepSpec, derive_seed, resolve_objective


def propose(
    sweep: SweepSpec, space: SearchSpace, number: int, attempt: int, trials: Sequence[SeenTrial]
) -> Parameters:
    """Return the sampler's proposal for a number. Further attempts differ from the first one."""
    sampler = TPESampler(seed=get_sampler_seed(sweep, number, attempt))
    trial = build_study(space, resolve_objective(sweep), trials, sampler).ask()
    return space.compose(lambda dimension: suggest_code(trial, dimension))


def get_sampler_seed(sweep: SweepSpec, number: int, attempt: int = 0) -> int:
    """Return the seed of the sampler that proposes a trial."""
    return derive_seed("tpe", sweep.search.seed, number, attempt)
