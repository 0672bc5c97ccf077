"""`make bench` works on any clone, and counts as it says."""

import json
from pathlib import Path

import pytest

from tests.conftest import shared

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

# Rows for training and validation, and the shape of a row, as the tutorials' own data have them.
SHAPES = {
    "red-wine": (1119, 480, (11,)),
    "concrete-plain": (721, 309, (8,)),
    "concrete-batchnorm": (721, 309, (8,)),
    "mnist-plain": (54_000, 6_000, (28, 28)),
    "iris-batchnorm": (90, 30, (4,)),
}


@pytest.fixture(scope="module", autouse=True)
def _benchmarks_on_the_path():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The experiments with generated data."""
    from tutorials import data  # noqa: PLC0415  # a script's neighbour, on the path only here

    with data(tmp_path_factory.mktemp("nothing")) as found:
        yield found


@pytest.mark.parametrize("name", SHAPES)
def test_generated_data_have_the_shapes_of_the_tutorials(name, generated):
    from arrays import Table  # noqa: PLC0415

    experiment = generated.experiment(name)
    prepared = Table.of(experiment).job(experiment.spec).data
    train, validation, row = SHAPES[name]
    assert prepared.x_train.shape == (train, *row)
    assert prepared.x_validation.shape == (validation, *row)


def test_generated_songs_are_divided_by_artist(generated):
    from arrays import Table  # noqa: PLC0415

    experiment = generated.experiment("spotify")
    prepared = Table.of(experiment).job(experiment.spec).data
    assert len(prepared.x_train) + len(prepared.x_validation) == 32_833 - 5  # five rows lack a value
    assert prepared.x_train.shape[1:] == (18,)  # twelve numbers and six genres


@pytest.mark.parametrize("name", [path.stem for path in sorted((BENCHMARKS / "specs").glob("*.json"))])
def test_an_experiment_is_what_was_asked_for(name):
    asked = json.loads(shared(f"specs/{name}.json").read_text())
    assert json.loads((BENCHMARKS / "specs" / f"{name}.json").read_text()) == asked


def test_epochs_told_at_once_are_not_taken_for_fast_ones():
    from training import Clock  # noqa: PLC0415

    assert Clock([1.0, 2.0, 3.0, 4.0]).seconds() == pytest.approx(1.0)
    # Three epochs a call, each of one second: nothing is known of the first call's start.
    assert Clock([3.0, 3.00001, 3.00002, 6.0, 6.00001, 6.00002, 9.0, 9.00001, 9.00002]).seconds() == pytest.approx(
        1.0, rel=1e-4
    )
    assert Clock([3.0, 3.0, 3.0]).seconds() is None
    assert Clock([3.0]).seconds() is None


def test_a_ratio_is_of_runs_that_were_neighbours():
    from pairs import Rounds, geometric_mean  # noqa: PLC0415

    # The machine was twice as slow in the second round, and ten times in the third.
    rounds = Rounds([{"a": 4.0, "b": 1.0}, {"a": 8.0, "b": 2.0}, {"a": 40.0, "b": 10.0}])
    assert rounds.ratio("a", "b") == 4.0
    assert rounds.median("a") == 8.0
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4.0)


def test_a_missed_target_says_so():
    from outcome import Target  # noqa: PLC0415

    assert Target("faster", 5.0, 5.0).met
    assert not Target("faster", 4.9, 5.0).met
    assert Target("slower", 4.9, 5.0, at_most=True).met
    assert not Target("slower", 5.1, 5.0, at_most=True).told()["met"]
