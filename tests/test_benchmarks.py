"""`make bench` works in any clone, and computes its figures as documented."""

import json
from pathlib import Path

import pytest

from stackyard.spec import UNLIMITED, check_spec, parse_spec
from stackyard.sweep import build_trial_spec, parse_sweep_spec
from tests.conftest import require_shared_file

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

# Training rows, validation rows and the shape of a row in the tutorials' data.
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
    from tutorials import open_data  # noqa: PLC0415  # on the path only during these tests

    with open_data(tmp_path_factory.mktemp("nothing")) as generated_data:
        yield generated_data


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", SHAPES)
def test_generated_data_have_the_shapes_of_the_tutorials(name, generated):
    from arrays import ExperimentTable  # noqa: PLC0415

    experiment = generated.load_experiment(name)
    prepared = ExperimentTable.load(experiment).prepare_job(experiment.spec).data
    train, validation, row = SHAPES[name]
    assert prepared.x_train.shape == (train, *row)
    assert prepared.x_validation.shape == (validation, *row)


@pytest.mark.exhaustive
def test_generated_songs_are_split_by_artist(generated):
    from arrays import ExperimentTable  # noqa: PLC0415

    experiment = generated.load_experiment("spotify")
    prepared = ExperimentTable.load(experiment).prepare_job(experiment.spec).data
    assert len(prepared.x_train) + len(prepared.x_validation) == 32_833 - 5  # five rows lack a value
    assert prepared.x_train.shape[1:] == (18,)  # twelve numbers and six genres


@pytest.mark.parametrize("name", [path.stem for path in sorted((BENCHMARKS / "specs").glob("*.json"))])
def test_an_experiment_equals_its_reference_spec(name):
    reference = json.loads(require_shared_file(f"specs/{name}.json").read_text())
    assert json.loads((BENCHMARKS / "specs" / f"{name}.json").read_text()) == reference


def test_epochs_that_are_reported_at_once_do_not_count_as_fast():
    from training import EpochClock  # noqa: PLC0415

    assert EpochClock([1.0, 2.0, 3.0, 4.0]).compute_epoch_time() == pytest.approx(1.0)
    # Three epochs per report, each of one second; the start of the first three is unknown.
    assert EpochClock(
        [3.0, 3.00001, 3.00002, 6.0, 6.00001, 6.00002, 9.0, 9.00001, 9.00002]
    ).compute_epoch_time() == pytest.approx(1.0, rel=1e-4)
    assert EpochClock([3.0, 3.0, 3.0]).compute_epoch_time() is None
    assert EpochClock([3.0]).compute_epoch_time() is None


def test_a_ratio_compares_runs_of_the_same_round():
    from pairs import Rounds, compute_geometric_mean  # noqa: PLC0415

    # The machine was twice as slow in the second round, and ten times in the third.
    rounds = Rounds([{"a": 4.0, "b": 1.0}, {"a": 8.0, "b": 2.0}, {"a": 40.0, "b": 10.0}])
    assert rounds.compute_ratio("a", "b") == 4.0
    assert rounds.compute_median("a") == 8.0
    assert compute_geometric_mean([2.0, 8.0]) == pytest.approx(4.0)


def test_a_target_is_met_or_missed():
    from outcome import Target  # noqa: PLC0415

    assert Target("faster", 5.0, 5.0).is_met
    assert not Target("faster", 4.9, 5.0).is_met
    assert Target("slower", 4.9, 5.0, at_most=True).is_met
    assert not Target("slower", 5.1, 5.0, at_most=True).to_document()["met"]


def test_the_estimates_of_memory_are_within_a_factor_of_two_of_the_recorded_growth():
    from descriptions import describe_arrays  # noqa: PLC0415
    from networks import SUBJECTS  # noqa: PLC0415
    from parts.estimates import MAX_FACTOR, MEGABYTE, compute_factor  # noqa: PLC0415

    recorded = json.loads((BENCHMARKS / "results" / "estimates.json").read_text())["networks"]
    assert {subject.name for subject in SUBJECTS} == set(recorded)
    assert len(SUBJECTS) == 30
    for subject in SUBJECTS:
        spec = parse_spec(json.dumps(subject.build_spec()).encode())
        estimate = check_spec(spec, describe_arrays(subject.build_arrays()), UNLIMITED).memory.total_bytes
        growth = recorded[subject.name]["growth_MiB"] * MEGABYTE
        assert compute_factor(growth, estimate) <= MAX_FACTOR, subject.name


def test_a_search_changes_the_rates_of_all_dropouts():
    from sweep_subject import RATE_POINTER, build_base, build_space  # noqa: PLC0415
    from tutorials import ExperimentData  # noqa: PLC0415

    base = build_base(ExperimentData(Path(), generated=False))
    sweep = json.dumps({"base": base, "space": build_space(base), "budget": 1}).encode()
    spec = build_trial_spec(parse_sweep_spec(sweep), {RATE_POINTER: 0.01, "/network/layers/2/rate": 0.3})
    rates = [layer["rate"] for layer in spec["network"]["layers"] if layer["type"] == "Dropout"]
    assert rates == 5 * [0.3]
    assert spec["training"]["optimizer"]["learning_rate"] == 0.01


def test_the_scheduler_is_measured_without_trainings():
    from scheduling import measure_scheduling  # noqa: PLC0415

    assert 0 < measure_scheduling("random", 3) < 10_000
