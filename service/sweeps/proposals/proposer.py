"""Choose the parameters of the next trials by the method of a sweep, without repeating a combination."""

from collections.abc import Iterable, Sequence

from service.sweeps.proposals import grid, listed, random_draws, sobol
from service.sweeps.proposals.seen_trial import SeenTrial
from stackyard.sweep import Parameters, SearchSpace, SweepSpec, derive_seed
from stackyard.sweep.json_values import encode_canonically

_MAX_ATTEMPTS = 8
"""Number of proposals for one trial before the nearest unused combination takes its place."""


def propose_parameters(
    sweep: SweepSpec, space: SearchSpace, number: int, trials: Sequence[SeenTrial]
) -> Parameters | None:
    """Return the parameters of a trial, or None if the search has no more trials.

    The result depends only on the arguments. No combination of a finite space is proposed twice.

    Args:
        sweep: The sweep.
        space: Its resolved space.
        number: The number of the new trial.
        trials: All trials of the sweep so far, in any order.

    """
    return next(iter(propose_batch(sweep, space, range(number, number + 1), trials)), None)


def propose_batch(
    sweep: SweepSpec, space: SearchSpace, numbers: Iterable[int], trials: Sequence[SeenTrial]
) -> list[Parameters]:
    """Return the parameters of several new trials. There are fewer if the search has no more.

    For `tpe`, each of the new trials counts as running when the next one is proposed.
    """
    match sweep.method:
        case "grid":
            proposals = (grid.get_combination(space, number) for number in numbers)
            return [parameters for parameters in proposals if parameters is not None]
        case "list":
            proposals = (listed.get_spec_index(sweep, number) for number in numbers)
            return [parameters for parameters in proposals if parameters is not None]
        case "external":
            return []
        case _:
            return _propose_unused(sweep, space, numbers, sorted(trials, key=lambda trial: trial.number))


def _propose_unused(
    sweep: SweepSpec, space: SearchSpace, numbers: Iterable[int], trials: list[SeenTrial]
) -> list[Parameters]:
    used = set[str]() if space.size is None else {encode_canonically(trial.parameters) for trial in trials}
    proposals: list[Parameters] = []
    for number in numbers:
        parameters = _propose_unused_one(sweep, space, number, trials, used)
        if parameters is None:
            break
        proposals.append(parameters)
        trials.append(SeenTrial(number, parameters))
        if space.size is not None:
            used.add(encode_canonically(parameters))
    return proposals


def _propose_unused_one(
    sweep: SweepSpec, space: SearchSpace, number: int, trials: Sequence[SeenTrial], used: set[str]
) -> Parameters | None:
    if space.size is None:
        return _draw(sweep, space, number, 0, trials)
    if len(used) >= space.size:
        return None
    for attempt in range(_MAX_ATTEMPTS):
        parameters = _draw(sweep, space, number, attempt, trials)
        if encode_canonically(parameters) not in used:
            return parameters
    return _find_unused(space, space.size, derive_seed("unused", sweep.search.seed, number), used)


def _draw(sweep: SweepSpec, space: SearchSpace, number: int, attempt: int, trials: Sequence[SeenTrial]) -> Parameters:
    if sweep.method == "tpe":
        from service.sweeps.proposals import tpe  # noqa: PLC0415  # importing Optuna takes half a second

        return tpe.propose(sweep, space, number, attempt, trials)
    if sweep.method == "sobol" and attempt == 0:
        return sobol.draw(sweep, space, number)
    return random_draws.draw(sweep, space, number, attempt)


def _find_unused(space: SearchSpace, size: int, start: int, used: set[str]) -> Parameters | None:
    """Return the first combination from a start that no trial has. It looks at one more than are used, at most."""
    for offset in range(min(size, len(used) + 1)):
        parameters = space.get_combination((start + offset) % size)
        if encode_canonically(parameters) not in used:
            return parameters
    return None
