"""The job specs of trials: their values, their seeds, and their faults."""

import json

import pytest

from stackyard.spec import SpecError, parse_spec
from stackyard.sweep import SPEC_INDEX, TrialSpecBuilder, build_trial_spec, parse_sweep_spec, resolve_space
from tests.factories import iris_spec
from tests.sweep.factories import LEARNING_RATE, OPTIMIZERS, RATE, UNITS, draw_points, parse_sweep


def build_spec(sweep, parameters, repeat=0):
    return parse_spec(json.dumps(build_trial_spec(sweep, parameters, repeat)).encode())


def test_a_trial_is_the_base_with_other_values():
    sweep, _ = parse_sweep(
        {UNITS: [4, 8], "/training/batch_size": {"values": [16], "also": ["/network/layers/3/units"]}}
    )
    spec = build_spec(sweep, {UNITS: 4, "/training/batch_size": 16})
    base = iris_spec()
    base["network"]["layers"][1]["units"] = 4
    base["network"]["layers"][3]["units"] = 16
    base["training"]["batch_size"] = 16
    assert spec == parse_spec(json.dumps(base).encode())


def test_every_draw_of_a_conditional_space_is_a_valid_spec():
    sweep, space = parse_sweep({"/training/optimizer": OPTIMIZERS, RATE: {"uniform": [0, 0.5]}})
    builder = TrialSpecBuilder(sweep, space)
    for point in draw_points(space, 50):
        spec = builder.parse(point)
        optimizer = spec.training.optimizer
        assert optimizer.type == ("Adam" if point["/training/optimizer"] == "adam" else "SGD")
        assert optimizer.learning_rate == point[LEARNING_RATE]
        assert spec.network.layers[2].rate == point[RATE]


def test_settings_that_belong_together():
    pair = {"choice": [{"set": 4, "also_set": {"/training/batch_size": 64}}, {"set": 8}]}
    sweep, space = parse_sweep({UNITS: pair}, search="grid")
    specs = [build_spec(sweep, space.get_combination(index)) for index in range(space.size)]
    assert [(spec.network.layers[1].units, spec.training.batch_size) for spec in specs] == [(4, 64), (8, 32)]


def test_a_parameter_may_change_a_class_and_a_deeper_one_its_argument():
    base = iris_spec(training={"optimizer": {"type": "SGD", "learning_rate": 0.01}})
    space = {LEARNING_RATE: [0.5], "/training/optimizer/type": ["SGD", "Adam"]}
    sweep, resolved = parse_sweep(space, base=base, search="grid")
    types = [build_spec(sweep, resolved.get_combination(index)).training.optimizer for index in range(2)]
    assert [(optimizer.type, optimizer.learning_rate) for optimizer in types] == [("SGD", 0.5), ("Adam", 0.5)]


def test_a_deeper_parameter_applies_to_whatever_a_shorter_one_sets():
    sweep, space = parse_sweep({LEARNING_RATE: [0.5], "/training/optimizer": ["sgd", "adam"]}, search="grid")
    optimizers = [build_spec(sweep, space.get_combination(index)).training.optimizer for index in range(2)]
    assert [(optimizer.type, optimizer.learning_rate) for optimizer in optimizers] == [("SGD", 0.5), ("Adam", 0.5)]


def test_an_option_may_set_a_layer_whose_argument_its_space_gives():
    choice = {"choice": [{"set": {"type": "Dropout"}, "space": {RATE: [0.1]}}, {"set": "BatchNormalization"}]}
    sweep, space = parse_sweep({"/network/layers/2": choice}, search="grid")
    layers = [build_spec(sweep, space.get_combination(index)).network.layers[2].type for index in range(2)]
    assert layers == ["Dropout", "BatchNormalization"]


SPLITS = {"validation": {"method": "random", "train_fraction": 0.8}, "test": {"method": "last", "train_fraction": 0.9}}


def list_seeds(vary, seed, trial=4, split=SPLITS):
    data = {"dataset": "builtin:iris", "target": "target", "split": split}
    base = iris_spec(data=data, training={"seed": seed})
    sweep, _ = parse_sweep({UNITS: [4, 8]}, base=base, repeats={"count": 3, "vary": vary})
    specs = [build_spec(sweep, {UNITS: trial}, repeat) for repeat in range(3)]
    seeds = [spec.training.seed for spec in specs]
    return seeds, [spec.data.split.validation.seed or spec.training.seed for spec in specs]


@pytest.mark.parametrize("seed", [None, 7])
def test_repeats_have_paired_seeds_and_the_same_split(seed):
    seeds, split_seeds = list_seeds("training", seed)
    assert len(set(seeds)) == 3
    assert split_seeds == [seeds[0]] * 3
    assert list_seeds("training", seed, trial=8) == (seeds, split_seeds)
    assert seed is None or seeds[0] == seed


def test_a_split_with_a_seed_of_its_own_keeps_it():
    split = {"validation": {"method": "random", "train_fraction": 0.8, "seed": 5}}
    assert list_seeds("training", 7, split=split)[1] == [5, 5, 5]


@pytest.mark.parametrize("split_seed", [None, 5])
def test_repeats_that_vary_everything_draw_their_splits_anew(split_seed):
    split = {"validation": {"method": "random", "train_fraction": 0.8, "seed": split_seed}}
    seeds, split_seeds = list_seeds("all", 7, split=split)
    assert len(set(seeds)) == len(set(split_seeds)) == 3


def test_a_list_has_its_own_specs():
    specs = [iris_spec(), iris_spec(name="other", training={"epochs": 9})]
    sweep = parse_sweep_spec(json.dumps({"specs": specs, "priority": 8}).encode())
    assert sweep.method == "list"
    spec = build_spec(sweep, {SPEC_INDEX: 1})
    assert (spec.name, spec.training.epochs, spec.run.priority) == ("other", 9, 8)


@pytest.mark.parametrize("changes", [{}, {"name": "list", "tags": ["night"], "priority": 2, "search": "list"}])
def test_a_listed_spec_equals_that_of_its_document(changes):
    specs = [iris_spec(), iris_spec(training={"seed": None}, name=None, tags=["mine"])]
    sweep = parse_sweep_spec(json.dumps({"specs": specs} | changes).encode())
    builder = TrialSpecBuilder(sweep, resolve_space(sweep))
    for index in range(2):
        assert builder.parse({SPEC_INDEX: index}) == build_spec(sweep, {SPEC_INDEX: index})


def test_faults_of_a_trial_lead_to_its_parameter():
    sweep, space = parse_sweep({RATE: {"uniform": [0, 3]}, UNITS: [4, 8]})
    builder = TrialSpecBuilder(sweep, space)
    with pytest.raises(SpecError) as error:
        builder.parse({RATE: 2.5, UNITS: 4})
    assert [fault.pointer for fault in error.value.faults] == ["/space/~1network~1layers~12~1rate"]


def test_a_client_may_choose_parameters_without_a_space():
    sweep, space = parse_sweep({}, search="external")
    builder = TrialSpecBuilder(sweep, space)
    spec = builder.parse({LEARNING_RATE: 0.25, RATE: 0.5})
    assert (spec.training.optimizer.learning_rate, spec.network.layers[2].rate) == (0.25, 0.5)
    for pointer, text in [("/name", "data, network"), ("rate", "data"), ("/training/optimizer/x/y", "no")]:
        with pytest.raises(SpecError) as error:
            builder.parse({pointer: 1})
        assert text in error.value.faults[0].message
    with pytest.raises(SpecError) as error:
        builder.parse({RATE: 7})
    assert error.value.faults[0].pointer == "/" + RATE.replace("/", "~1")
    with pytest.raises(SpecError):
        builder.parse({"/training": 7})
