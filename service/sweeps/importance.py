"""How much each parameter of a sweep matters, by Optuna's PED-ANOVA."""

from collections.abc import Iterable, Mapping

from service.sweeps.proposals.seen_trial import SeenTrial
from stackyard.sweep import ResolvedObjective, SearchSpace

MIN_TRIALS = 10
"""Number of complete trials from which on the importance says something."""


def compute_importances(
    space: SearchSpace, objective: ResolvedObjective, trials: Iterable[SeenTrial]
) -> Mapping[str, float]:
    """Return the share of each dimension in what distinguishes the best tenth of the trials, by its key.

    The shares add up to 1, and the most important dimension comes first. Only complete trials with a value count.

    Returns:
        The shares; empty with fewer than `MIN_TRIALS` complete trials, or where no parameter matters.

    """
    complete = [trial for trial in trials if trial.outcome == "complete" and trial.value is not None]
    if len(complete) < MIN_TRIALS or not space.dimensions:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances  # noqa: PLC0415  # as below

    from service.sweeps.optuna_study import build_study  # noqa: PLC0415  # importing Optuna takes half a second

    study = build_study(space, objective, complete)
    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
