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


def test_features_and_targets_have_short_forms_that_the_spec_stores_as_the_long_ones():
    short = apply_changes(
        {"data": {"features": ["a", {"columns": ["b", "c"], "transform": "standard"}], "target": "y"}}
    )
    features = [{"columns": ["a"]}, {"columns": ["b", "c"], "transform": "standard"}]
    long = apply_changes({"data": {"features": features, "target": {"column": "y"}}})
    assert parse_spec(encode_json(short)) == parse_spec(encode_json(long))
    stored = parse_spec(encode_json(short)).model_dump(mode="json")["data"]
    assert stored["features"][0] == {"columns": ["a"], "select": None, "transform": "none", "impute": None}
    assert stored["target"]["column"] == "y"
    several = parse_spec(encode_json(apply_changes({"data": {"target": ["y", "z"]}})))
    assert several.data.target.columns == ("y", "z")


def test_faults_of_short_forms_are_at_the_short_values():
    faults = collect_faults(apply_changes({"data": {"features": ["a", "", 3], "target": []}}))
    assert faults.keys() == {"/data/features/1", "/data/features/2", "/data/target"}


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
        (build_spec_with_layer(type="Lambda", function="x"), "/network/layers/0/type", 'received "Lambda", which is'),
        (build_spec_with_layer(type="Desne"), "/network/layers/0/type", 'did you mean "Dense"'),
        (
            build_spec_with_layer(type="Conv", filters=1),
            "/network/layers/0/type",
            '"Conv3D", "Conv2D" or "Conv1D"?',
        ),
        (build_spec_with_layer(type="Dense", input_shape=[4]), "/network/layers/0/input_shape", "leave it out"),
        (build_spec_with_layer(type="Dense", units=1, name="a/b"), "/network/layers/0/name", "hyphens and dots"),
        (apply_changes({"training": {"lr": 0.1}}), "/training/lr", '"learning_rate" of the optimizer'),
        (
            apply_changes({"training": {"validation_split": 0.1}}),
            "/training/validation_split",
            '"train_fraction": 0.9}',
        ),
        (apply_changes({"data": {"test_size": 0.25}}), "/data/test_size", '"train_fraction": 0.75}'),
        (build_spec_with_layer(type="Dense"), "/network/layers/0", '"units"'),
        (build_spec_with_layer(type="Dense", units="8"), "/network/layers/0/units", "an integer"),
        (build_spec_with_layer(type="Dense", units=8, unit=1), "/network/layers/0/unit", 'did you mean "units"'),
        (build_spec_with_layer(type="Dense", units=8, activation="rule"), "/network/layers/0/activation", '"relu"'),
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


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ('{"a": 1,}', "line 1, column 8", "remove the comma"),
        ('{"a": [1,\n 2,\n]}', "line 2, column 3", "remove the comma"),
        ("{'a': 1}", "line 1, column 2", "use double quotes"),
        ("{\n  a: 1}", "line 2, column 3", 'write "a"'),
        ('{"a": True}', "line 1, column 7", "write true"),
        ('{"a": 1} // x', "line 1, column 10", "remove the comment"),
        ('{"a": 1\n "b": 2}', "line 2, column 2", "put a comma before it"),
        ('{"a": [1, 2', "line 1, column 12", "close every brace"),
        ("data:\n  dataset: iris\n", "YAML", "convert it to JSON"),
        ("---\ndata: 1", "YAML", "convert it to JSON"),
        ("", "nothing", None),
    ],
)
def test_a_fault_of_the_json_names_its_place_and_the_fix(text, place, fix):
    with pytest.raises(SpecError) as raised:
        parse_spec(text.encode())
    [fault] = raised.value.faults
    assert place in fault.message
    assert fix is None if fault.fix is None else fault.fix.startswith(fix)


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
