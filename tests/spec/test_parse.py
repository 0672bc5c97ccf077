"""Parsing of specs: defaults, short forms, and faults with their pointers."""

import json

import pytest

from stackyard.spec import JobSpec, SpecError, parse_spec
from tests.spec.documents import SPEC, apply_changes, build_array_spec, encode_json


def collect_faults(document):
    with pytest.raises(SpecError) as raised:
        parse_spec(encode_json(document))
    return {fault.pointer: fault.message_with_fix for fault in raised.value.faults}


def build_spec_with_layer(**arguments):
    return apply_changes({"network": {"layers": [arguments]}})


def test_short_forms_equal_the_long_forms():
    short = apply_changes({"training": {"optimizer": "adam", "loss": "mse", "metrics": ["mae"]}})
    long = apply_changes(
        {
            "training": {
                "optimizer": {"type": "Adam"},
                "loss": {"type": "MeanSquaredError"},
                "metrics": [{"type": "MeanAbsoluteError", "name": "mae"}],
            }
        }
    )
    assert parse_spec(encode_json(short)) == parse_spec(encode_json(long))


def test_defaults_are_filled_in():
    spec = parse_spec(encode_json(SPEC))
    dense = spec.network.layers[0].model_dump()
    assert dense["kernel_initializer"]["type"] == "GlorotUniform"
    assert (spec.training.batch_size, spec.training.epochs, spec.training.optimizer.type) == (32, 1, "RMSprop")


@pytest.mark.parametrize("document", [SPEC, build_array_spec()], ids=["table", "arrays"])
def test_a_spec_survives_serialization(document):
    spec = parse_spec(encode_json(document))
    assert JobSpec.model_validate_json(json.dumps(spec.model_dump(mode="json"))) == spec
    assert parse_spec(spec.model_dump_json().encode()) == spec


@pytest.mark.parametrize("name", ["Adam", "adam", "ADAM"])
def test_names_are_case_insensitive(name):
    assert parse_spec(encode_json(apply_changes({"training": {"optimizer": name}}))).training.optimizer.type == "Adam"


@pytest.mark.parametrize(
    ("document", "pointer", "message"),
    [
        (apply_changes({"network": ...}), "", '"network"'),
        (apply_changes({"netwrok": {}}), "/netwrok", 'did you mean "network"'),
        (apply_changes({"training": {"loss": ...}}), "/training", '"loss"'),
        (apply_changes({"training": {"loss": "msee"}}), "/training/loss", "did you mean"),
        (apply_changes({"training": {"batch_size": 0}}), "/training/batch_size", "at least 1, received 0"),
        (apply_changes({"training": {"batch_size": 1.5}}), "/training/batch_size", "an integer, received 1.5"),
        (apply_changes({"training": {"batch_size": "32"}}), "/training/batch_size", 'an integer, received "32"'),
        (apply_changes({"training": {"epochs": True}}), "/training/epochs", "an integer, received true"),
        (apply_changes({"training": {"shuffle": 1}}), "/training/shuffle", 'true, false or "keras"'),
        (apply_changes({"training": {"seed": -1}}), "/training/seed", "at least 0"),
        (
            apply_changes({"training": {"optimizer": {"type": "SGD", "lr": 1}}}),
            "/training/optimizer/lr",
            "learning_rate",
        ),
        (apply_changes({"training": {"metrics": "mae"}}), "/training/metrics", "an array"),
        (apply_changes({"training": {"metrics": ["mae", "nope"]}}), "/training/metrics/1", "a metric"),
        (
            apply_changes({"data": {"split": {"test": {"method": "groups"}}}}),
            "/data/split/test/method",
            'mean "group"',
        ),
        (apply_changes({"network": {"layers": []}}), "/network/layers", "at least 1"),
        (apply_changes({"network": {"layers": {}}}), "/network/layers", "an array"),
        (build_spec_with_layer(type="Lambda", function="x"), "/network/layers/0/type", 'received "Lambda"'),
        (build_spec_with_layer(type="Dense"), "/network/layers/0", '"units"'),
        (build_spec_with_layer(type="Dense", units="8"), "/network/layers/0/units", "an integer"),
        (build_spec_with_layer(type="Dense", units=8, unit=1), "/network/layers/0/unit", 'did you mean "units"'),
        (build_spec_with_layer(type="Dense", units=8, activation="rule"), "/network/layers/0/activation", "'relu'"),
        (build_spec_with_layer(type="Dropout", rate=1.0), "/network/layers/0/rate", "less than 1"),
        (build_spec_with_layer(units=8), "/network/layers/0", '"type"'),
        (apply_changes({"network": {"layers": [3]}}), "/network/layers/0", "a layer"),
        (
            build_spec_with_layer(type="Dense", units=8, kernel_initializer={"type": "Constant", "value": "x"}),
            "/network/layers/0/kernel_initializer/value",
            "a number",
        ),
        (
            build_spec_with_layer(type="Dense", units=8, lora_rank=2, kernel_constraint="NonNeg"),
            "/network/layers/0/kernel_constraint",
            "lora_rank",
        ),
        (
            apply_changes({"training": {"optimizer": {"type": "SGD", "clipnorm": 1, "clipvalue": 1}}}),
            "/training/optimizer",
            "one of clipnorm",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_is_reported_at_its_pointer(document, pointer, message):
    messages = collect_faults(document)
    assert message in messages[pointer], messages


def test_all_faults_are_reported_together():
    document = apply_changes({"training": {"batch_size": 0, "optimizer": "adamm"}, "run": {"priority": 10}, "nmae": 1})
    document["network"]["layers"][1]["units"] = None
    assert collect_faults(document).keys() == {
        "/training/batch_size",
        "/training/optimizer",
        "/run/priority",
        "/nmae",
        "/network/layers/1/units",
    }
