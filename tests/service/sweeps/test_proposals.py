"""Proposals: equal to SciPy's and Optuna's own, reproducible, and without repetition."""

import math
from itertools import product
from random import Random

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial
from scipy.stats import qmc

from service.sweeps.proposals import SeenTrial, propose_batch, propose_parameters
from service.sweeps.proposals.tpe import get_sampler_seed
from tests.sweep.factories import LEARNING_RATE, OPTIMIZERS, RATE, UNITS, draw_points, parse_sweep

BATCH_SIZE = "/training/batch_size"
SPACE = {
    LEARNING_RATE: {"log_uniform": [1e-4, 0.1]},
    UNITS: {"int": [4, 64]},
    RATE: {"uniform": [0, 0.5]},
    BATCH_SIZE: [16, 32],
}


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def evaluate(parameters):
    """Return a loss that is the smallest at a learning rate of 0.01, 32 units and no dropout."""
    return (
        (math.log10(parameters[LEARNING_RATE]) + 2) ** 2
        + (parameters.get(UNITS, 32) - 32) ** 2 / 500
        + parameters.get(RATE, 0)
    )


def see_trials(points, outcomes=("complete",)):
    return [
        SeenTrial(number, point, outcomes[number % len(outcomes)], evaluate(point), epochs=3)
        for number, point in enumerate(points)
    ]


def test_a_grid_proposes_every_combination_once():
    sweep, space = parse_sweep({UNITS: [4, 8], RATE: [0.1, 0.2, 0.3]}, search="grid", budget=None)
    proposals = propose_batch(sweep, space, range(10), [])
    assert [tuple(proposal.values()) for proposal in proposals] == list(product([4, 8], [0.1, 0.2, 0.3]))
    assert propose_parameters(sweep, space, 6, []) is None


def test_sobol_points_are_those_of_scipy():
    space_document = {LEARNING_RATE: {"uniform": [0.1, 0.5]}, RATE: {"uniform": [0, 0.5]}}
    sweep, space = parse_sweep(space_document, search={"method": "sobol", "seed": 7})
    proposals = propose_batch(sweep, space, range(300), [])
    engine = qmc.Sobol(2, scramble=True, rng=7)
    expected = qmc.scale(engine.random(512)[:300], [0.1, 0], [0.5, 0.5])
    for proposal, point in zip(proposals, expected, strict=True):
        assert list(proposal.values()) == pytest.approx(list(point), rel=1e-12)
    assert propose_parameters(sweep, space, 290, []) == proposals[290]


def test_tpe_proposes_what_an_optuna_study_with_the_same_trials_does():
    sweep, space = parse_sweep(SPACE, search={"method": "tpe", "seed": 3})
    outcomes = ("complete", "complete", "halted", "complete", "running", "complete", "failed", "diverged")
    trials = see_trials(draw_points(space, 60), outcomes)
    distributions = {
        LEARNING_RATE: FloatDistribution(1e-4, 0.1, log=True),
        UNITS: IntDistribution(4, 64),
        RATE: FloatDistribution(0, 0.5),
        BATCH_SIZE: CategoricalDistribution([0, 1]),
    }
    states = {"halted": TrialState.PRUNED, "running": TrialState.RUNNING, "failed": TrialState.FAIL}
    for number in (60, 61):
        study = optuna.create_study(sampler=TPESampler(seed=get_sampler_seed(sweep, number)))
        for trial in trials:
            state = states.get(trial.outcome, TrialState.COMPLETE)
            has_value = state in (TrialState.COMPLETE, TrialState.PRUNED)
            params = {**trial.parameters, BATCH_SIZE: [16, 32].index(trial.parameters[BATCH_SIZE])}
            worst = math.inf if trial.outcome == "diverged" else trial.value
            study.add_trial(
                create_trial(
                    state=state,
                    value=worst if has_value else None,
                    params=params,
                    distributions=distributions,
                    intermediate_values={3: trial.value} if trial.outcome == "halted" else {},
                )
            )
        asked = study.ask(distributions).params
        expected = {**asked, BATCH_SIZE: [16, 32][asked[BATCH_SIZE]]}
        shuffled = Random(0).sample(trials, len(trials))  # noqa: S311  # the order of the rows does not matter
        assert propose_parameters(sweep, space, number, shuffled) == expected
        trials.append(SeenTrial(number, expected, "running"))


def test_tpe_handles_conditional_parameters_and_finds_good_regions():
    sweep, space = parse_sweep({"/training/optimizer": OPTIMIZERS}, search="tpe")
    trials = []
    for number in range(40):
        parameters = propose_parameters(sweep, space, number, trials)
        diverges = parameters["/training/optimizer"] != "adam"
        value = None if diverges else evaluate(parameters)
        trials.append(SeenTrial(number, parameters, "diverged" if diverges else "complete", value))
    assert sum(trial.outcome == "diverged" for trial in trials[20:]) <= 5
    losses = [trial.value for trial in trials[20:] if trial.value is not None]
    assert sorted(losses)[len(losses) // 2] < 0.3


@pytest.mark.parametrize("method", ["random", "sobol", "tpe"])
def test_proposals_depend_on_the_seed_the_number_and_the_trials_alone(method):
    def propose(seed):
        sweep, space = parse_sweep(SPACE, search={"method": method, "seed": seed})
        trials = []
        for number in range(14):
            parameters = propose_parameters(sweep, space, number, trials)
            trials += see_trials([parameters])[:1]
            trials[-1] = SeenTrial(number, parameters, "complete", evaluate(parameters))
        return [trial.parameters for trial in trials]

    first = propose(0)
    assert propose(0) == first
    assert propose(1) != first
    assert len({tuple(parameters.values()) for parameters in first}) == 14


@pytest.mark.parametrize("method", ["random", "sobol", "tpe"])
def test_no_combination_of_a_finite_space_is_proposed_twice(method):
    sweep, space = parse_sweep({UNITS: [4, 8, 16], BATCH_SIZE: [16, 32]}, search=method, budget=100)
    trials = []
    while (parameters := propose_parameters(sweep, space, len(trials), trials)) is not None:
        trials.append(SeenTrial(len(trials), parameters, "complete", 1.0))
    assert sorted(tuple(trial.parameters.values()) for trial in trials) == sorted(product([4, 8, 16], [16, 32]))


def test_a_batch_equals_proposals_one_by_one():
    sweep, space = parse_sweep(SPACE, search="tpe")
    trials = see_trials(draw_points(space, 12))
    batch = propose_batch(sweep, space, range(12, 15), trials)
    for number, parameters in enumerate(batch, 12):
        assert propose_parameters(sweep, space, number, trials) == parameters
        trials.append(SeenTrial(number, parameters))


def test_the_client_chooses_the_trials_of_an_external_sweep():
    sweep, space = parse_sweep(SPACE, search="external")
    assert propose_parameters(sweep, space, 0, []) is None
