"""Statistics of repeats and importance: equal to SciPy's and Optuna's."""

import math
from random import Random

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from scipy import stats

from service.sweeps.importance import compute_importances
from service.sweeps.proposals import SeenTrial
from service.sweeps.statistics import compare_pairs, estimate_mean
from stackyard.sweep import resolve_objective
from tests.sweep.factories import LEARNING_RATE, RATE, draw_points, parse_sweep


@pytest.mark.parametrize("n", [2, 3, 5, 30])
def test_the_interval_is_that_of_scipy(n):
    random = Random(n)  # noqa: S311  # reproducible, not secret
    values = [random.gauss(0.3, 0.05) for _ in range(n)]
    estimate = estimate_mean(values)
    low, high = stats.t.interval(0.95, n - 1, loc=sum(values) / n, scale=stats.sem(values))
    assert (estimate.n, estimate.low, estimate.high) == (n, pytest.approx(low), pytest.approx(high))


def test_too_few_values_have_no_interval():
    assert estimate_mean([]) is None
    assert (estimate_mean([0.5]).mean, estimate_mean([0.5]).low) == (0.5, None)


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.2])
def test_paired_differences_are_those_of_scipy(shift):
    random = Random(1)  # noqa: S311  # reproducible, not secret
    pairs = {repeat: random.gauss(0.3, 0.1) for repeat in range(6)}
    others = {repeat: value + shift + random.gauss(0, 0.01) for repeat, value in pairs.items() if repeat}
    compared = compare_pairs(others, pairs)
    test = stats.ttest_rel([others[repeat] for repeat in range(1, 6)], [pairs[repeat] for repeat in range(1, 6)])
    interval = test.confidence_interval(0.95)
    assert compared.difference.n == 5
    assert (compared.difference.low, compared.difference.high) == pytest.approx((interval.low, interval.high))
    assert compared.is_distinguishable == (test.pvalue < 0.05)


def test_trials_without_common_repeats_are_not_compared():
    assert compare_pairs({0: 0.1}, {1: 0.2}) is None
    assert compare_pairs({0: 0.1, 1: 0.3}, {1: 0.2}).is_distinguishable is None


def test_the_importance_is_that_of_optuna():
    sweep, space = parse_sweep({LEARNING_RATE: {"log_uniform": [1e-4, 0.1]}, RATE: {"uniform": [0, 0.5]}})
    points = draw_points(space, 60)
    values = [(math.log10(point[LEARNING_RATE]) + 2) ** 2 + point[RATE] / 10 for point in points]
    trials = [
        SeenTrial(index, *pair) for index, pair in enumerate(zip(points, ["complete"] * 60, values, strict=True))
    ]
    study = optuna.create_study()
    distributions = {LEARNING_RATE: FloatDistribution(1e-4, 0.1, log=True), RATE: FloatDistribution(0, 0.5)}
    study.add_trials(
        optuna.trial.create_trial(params=point, distributions=distributions, value=value)
        for point, value in zip(points, values, strict=True)
    )
    expected = optuna.importance.get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    failed = [SeenTrial(60, points[0], "failed"), SeenTrial(61, points[1], "diverged")]
    importances = compute_importances(space, resolve_objective(sweep), [*trials, *failed])
    assert importances == pytest.approx(expected)
    assert next(iter(importances)) == LEARNING_RATE


def test_few_trials_have_no_importance():
    sweep, space = parse_sweep()
    trials = [SeenTrial(index, point, "complete", 1.0) for index, point in enumerate(draw_points(space, 5))]
    assert compute_importances(space, resolve_objective(sweep), trials) == {}
