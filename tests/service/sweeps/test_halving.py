"""Successive halving: compared with a brute-force reference on recorded curves."""

from itertools import pairwise
from random import Random

import pytest

from service.sweeps.halving import RungResult, decide_rungs
from stackyard.sweep import Halving, ResolvedObjective, list_rungs

MINIMIZE = ResolvedObjective("val_loss", "min", "best")
MAXIMIZE = ResolvedObjective("val_accuracy", "max", "best")


def test_rungs_are_the_powers_below_the_epochs():
    assert list_rungs(Halving(eta=3, from_epoch=1), 20) == (1, 3, 9, 20)
    assert list_rungs(Halving(eta=2, from_epoch=5), 20) == (5, 10, 20)
    assert list_rungs(Halving(eta=2, from_epoch=4), 5) == (4, 5)


def build_curve(random):
    """Return a loss by epoch that falls at its own speed to its own level, or diverges."""
    level, speed, diverges = random.random(), random.random(), random.random() < 0.1
    return lambda epoch: None if diverges and epoch > 2 else level + speed / epoch


def promote_by_brute_force(results, held, eta):
    """Return the promotions by the definition: among the best 1/eta of a rung, and not beyond it yet."""
    promotions = set()
    for rung in {result.rung for result in results}:
        members = [result for result in results if result.rung == rung]
        for result in members:
            better = [
                other
                for other in members
                if other.value is not None and (other.value, other.trial) < (result.value or 9e9, result.trial)
            ]
            is_beyond = any(other.trial == result.trial and other.rung > rung for other in results)
            is_best = result.value is not None and len(better) < len(members) // eta
            if is_best and not is_beyond and result.trial in held:
                promotions.add((result.trial, rung + 1))
    return promotions


@pytest.mark.parametrize("eta", [2, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_decisions_equal_a_brute_force_reference(eta, seed):
    random = Random(seed)  # noqa: S311  # reproducible, not secret
    rungs = list_rungs(Halving(eta=eta), 40)
    curves = [build_curve(random) for _ in range(60)]
    results, held, running, begun = [], set(), [], 0
    while True:
        while len(running) < 4 and begun < len(curves):
            running.append((begun, 0))
            begun += 1
        if running:
            trial, rung = running.pop(random.randrange(len(running)))
            results.append(RungResult(trial, rung, curves[trial](rungs[rung])))
            if rung < len(rungs) - 1:
                held.add(trial)
        is_over = not running and begun == len(curves)
        random.shuffle(results)
        decision = decide_rungs(MINIMIZE, eta, results, held, max_trials=len(curves), is_over=is_over)
        expected = promote_by_brute_force(results, held, eta)
        if expected or not is_over:
            assert set(decision.promoted) == expected
        running += decision.promoted
        held -= {trial for trial, _ in decision.promoted} | set(decision.halted)
        if is_over and not decision.promoted:
            break
    assert not held
    finished = {result.trial for result in results if result.rung == len(rungs) - 1 and result.value is not None}
    assert finished
    counts = [sum(result.rung == rung for result in results) for rung in range(len(rungs))]
    assert counts[0] == 60
    for lower, higher in pairwise(counts):
        assert higher <= max(1, 2 * lower // eta)


def test_more_is_better_where_the_objective_says_so():
    results = [RungResult(trial, 0, value) for trial, value in enumerate([0.1, 0.9, 0.5])]
    assert decide_rungs(MAXIMIZE, 3, results, {0, 1, 2}).promoted == ((1, 1),)
    assert decide_rungs(MINIMIZE, 3, results, {0, 1, 2}).promoted == ((0, 1),)


def test_a_trial_without_a_finite_value_never_goes_on():
    results = [RungResult(0, 0, None), RungResult(1, 0, float("nan")), RungResult(2, 0, float("inf"))]
    decision = decide_rungs(MINIMIZE, 2, results, {0, 1, 2}, is_over=True)
    assert (decision.promoted, decision.halted) == ((), (0, 1, 2))


def test_a_trial_that_cannot_become_one_of_the_best_is_halted_early():
    results = [RungResult(trial, 0, trial / 10) for trial in range(6)]
    decision = decide_rungs(MINIMIZE, 3, results, {2, 3, 4, 5}, max_trials=9)
    assert decision.halted == (3, 4, 5)
    assert decide_rungs(MINIMIZE, 3, results, {2, 3, 4, 5}).halted == ()


def test_one_trial_becomes_complete_even_if_there_are_few():
    results = [RungResult(0, 0, 0.4), RungResult(1, 0, 0.3)]
    assert decide_rungs(MINIMIZE, 3, results, {0, 1}).promoted == ()
    decision = decide_rungs(MINIMIZE, 3, results, {0, 1}, is_over=True)
    assert (decision.promoted, decision.halted) == (((1, 1),), ())
    results.append(RungResult(1, 1, 0.2))
    assert decide_rungs(MINIMIZE, 3, results, {0, 1}, is_over=True).promoted == ((1, 2),)
    results.append(RungResult(1, 2, 0.2))
    assert decide_rungs(MINIMIZE, 3, results, {0}, is_over=True).halted == (0,)


def test_the_next_best_goes_on_if_the_best_diverges():
    results = [RungResult(0, 0, 0.4), RungResult(1, 0, 0.3), RungResult(1, 1, None)]
    assert decide_rungs(MINIMIZE, 3, results, {0}, is_over=True).promoted == ((0, 1),)
