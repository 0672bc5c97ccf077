"""A document becomes a spec, with every default; or everything that is wrong with it, where it is wrong."""

import json

import pytest

from stackyard.spec import JobSpec, SpecError, parse
from tests.spec.documents import SPEC, as_arrays, changed, encode


def problems(document):
    with pytest.raises(SpecError) as caught:
        parse(encode(document))
    return {problem.pointer: problem.sentence for problem in caught.value.problems}


def layer(**arguments):
    return changed({"network": {"layers": [arguments]}})


def test_short_forms_are_the_long_ones():
    short = changed({"training": {"optimizer": "adam", "loss": "mse", "metrics": ["mae"]}})
    long = changed(
        {
            "training": {
                "optimizer": {"type": "Adam"},
                "loss": {"type": "MeanSquaredError"},
                "metrics": [{"type": "MeanAbsoluteError", "name": "mae"}],
            }
        }
    )
    assert parse(encode(short)) == parse(encode(long))


def test_defaults_are_filled_in():
    spec = parse(encode(SPEC))
    dense = spec.network.layers[0].model_dump()
    assert dense["kernel_initializer"]["type"] == "GlorotUniform"
    assert (spec.training.batch_size, spec.training.epochs, spec.training.optimizer.type) == (32, 1, "RMSprop")


@pytest.mark.parametrize("document", [SPEC, as_arrays()], ids=["table", "arrays"])
def test_a_stored_spec_reads_back_equal(document):
    spec = parse(encode(document))
    assert JobSpec.model_validate_json(json.dumps(spec.model_dump(mode="json"))) == spec
    assert parse(spec.model_dump_json().encode()) == spec


@pytest.mark.parametrize("name", ["Adam", "adam", "ADAM"])
def test_names_are_compared_without_case(name):
    assert parse(encode(changed({"training": {"optimizer": name}}))).training.optimizer.type == "Adam"


@pytest.mark.parametrize(
    ("document", "pointer", "words"),
    [
        (changed({"network": ...}), "", '"network"'),
        (changed({"netwrok": {}}), "/netwrok", 'did you mean "network"'),
        (changed({"training": {"loss": ...}}), "/training", '"loss"'),
        (changed({"training": {"loss": "msee"}}), "/training/loss", "did you mean"),
        (changed({"training": {"batch_size": 0}}), "/training/batch_size", "at least 1, received 0"),
        (changed({"training": {"batch_size": 1.5}}), "/training/batch_size", "an integer, received 1.5"),
        (changed({"training": {"batch_size": "32"}}), "/training/batch_size", 'an integer, received "32"'),
        (changed({"training": {"epochs": True}}), "/training/epochs", "an integer, received true"),
        (changed({"training": {"shuffle": 1}}), "/training/shuffle", 'true, false or "keras"'),
        (changed({"training": {"seed": -1}}), "/training/seed", "at least 0"),
        (changed({"training": {"optimizer": {"type": "SGD", "lr": 1}}}), "/training/optimizer/lr", "learning_rate"),
        (changed({"training": {"metrics": "mae"}}), "/training/metrics", "an array"),
        (changed({"training": {"metrics": ["mae", "nope"]}}), "/training/metrics/1", "a metric"),
        (changed({"data": {"split": {"test": {"method": "groups"}}}}), "/data/split/test/method", 'mean "group"'),
        (changed({"network": {"layers": []}}), "/network/layers", "at least 1"),
        (changed({"network": {"layers": {}}}), "/network/layers", "an array"),
        (layer(type="Lambda", function="x"), "/network/layers/0/type", 'received "Lambda"'),
        (layer(type="Dense"), "/network/layers/0", '"units"'),
        (layer(type="Dense", units="8"), "/network/layers/0/units", "an integer"),
        (layer(type="Dense", units=8, unit=1), "/network/layers/0/unit", 'did you mean "units"'),
        (layer(type="Dense", units=8, activation="rule"), "/network/layers/0/activation", "'relu'"),
        (layer(type="Dropout", rate=1.0), "/network/layers/0/rate", "less than 1"),
        (layer(units=8), "/network/layers/0", '"type"'),
        (changed({"network": {"layers": [3]}}), "/network/layers/0", "a layer"),
        (
            layer(type="Dense", units=8, kernel_initializer={"type": "Constant", "value": "x"}),
            "/network/layers/0/kernel_initializer/value",
            "a number",
        ),
        (
            layer(type="Dense", units=8, lora_rank=2, kernel_constraint="NonNeg"),
            "/network/layers/0/kernel_constraint",
            "lora_rank",
        ),
        (
            changed({"training": {"optimizer": {"type": "SGD", "clipnorm": 1, "clipvalue": 1}}}),
            "/training/optimizer",
            "one of clipnorm",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said_where_it_is(document, pointer, words):
    found = problems(document)
    assert words in found[pointer], found


def test_everything_is_said_at_once():
    document = changed({"training": {"batch_size": 0, "optimizer": "adamm"}, "run": {"priority": 10}, "nmae": 1})
    document["network"]["layers"][1]["units"] = None
    assert problems(document).keys() == {
        "/training/batch_size",
        "/training/optimizer",
        "/run/priority",
        "/nmae",
        "/network/layers/1/units",
    }
