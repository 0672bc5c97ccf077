"""The JSON Schema of the language against the parser: they allow the same, as far as a schema can say it."""

import json
from random import Random

import jsonschema_rs
import pytest
from pydantic import ValidationError

from stackyard.spec import JobSpec
from tests.conftest import shared
from tests.spec.documents import SPEC, changed
from tests.spec.sampling import Sampler

SCHEMA = JobSpec.model_json_schema()
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
SAMPLES = 400
MUTATIONS = 4_000


def errors(document):
    """The kinds of error that the parser finds; `refused` is what our own validators say."""
    try:
        JobSpec.model_validate(document)
    except ValidationError as error:
        return {details["type"] for details in error.errors() if not is_echo(details)}
    return set()


def is_echo(details):
    """Whether Pydantic calls an array too short only because some of its elements are wrong."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def samples(count):
    sampler = Sampler(SCHEMA, Random(0))  # noqa: S311  # the same ones every time
    return [sampler.document() for _ in range(count)]


def test_what_the_schema_allows_the_parser_reads():
    """But for arguments that do not go together, which a schema cannot say."""
    documents = samples(SAMPLES)
    assert all(map(VALIDATOR.is_valid, documents))
    found = [errors(document) for document in documents]
    assert set().union(*found) <= {"refused"}
    assert found.count(set()) > SAMPLES / 4


def faulty(document, random):
    """The document with one simple fault somewhere: an unknown key, a wrong type, a number out of range."""
    document = json.loads(json.dumps(document))
    holders = [document]
    for holder in holders:
        members = holder.values() if isinstance(holder, dict) else holder
        holders.extend(member for member in members if isinstance(member, dict | list) and member)
    holder = random.choice(holders)
    step = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    holder[step] = random.choice((None, True, "x", "Dense", -1, 0.5, 10**12, -1.5, [], {}, [0.5], {"type": "x"}))
    if isinstance(holder, dict) and random.random() < 1 / 3:
        holder["nmae"] = 1
    return document


def test_the_parser_and_the_schema_refuse_the_same():
    random, good = Random(0), samples(SAMPLES)  # noqa: S311  # the same ones every time
    documents = [faulty(random.choice(good), random) for _ in range(MUTATIONS)]
    differing = []
    for document in documents:
        allowed, found = VALIDATOR.is_valid(document), errors(document)
        # Where the parser's only complaint is of a validator of ours, it may be of what no schema can say.
        if (allowed and found - {"refused"}) or (not allowed and not found):
            differing.append((document, found))
    assert differing == []


@pytest.mark.parametrize(
    "change",
    [
        {"training": {"optimizer": "adamm"}},
        {"training": {"optimizer": {"learning_rate": 0.1}}},
        {"training": {"optimizer": {"type": "Adamm"}}},
        {"training": {"loss": {"type": "Huber", "delta": 0}}},
        {"training": {"class_weight": "even"}},
        {"training": {"class_weight": {"a": -1}}},
        {"network": {"layers": ["Dense"]}},
        {"network": {"layers": [{"units": 3}]}},
        {"network": {"layers": [{"type": "Dense", "units": 3, "kernel_size": 2}]}},
        {"data": {"split": {"validation": "random"}}},
        {"data": {"split": {"validation": {"method": "column", "column": "a", "values": [[]]}}}},
        {"data": {"impute": {"fill_value": 1}}},
    ],
)
def test_what_a_closed_union_refuses_the_schema_refuses(change):
    document = changed(change)
    assert errors(document)
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize(
    "change",
    [
        {"training": {"loss": "mse", "optimizer": "rmsprop"}},
        {"training": {"loss": {"type": "mse"}}},
        {"training": {"loss": {"type": "mean_squared_error"}, "metrics": ["acc", "r2_score", {"type": "auc"}]}},
        {
            "training": {
                "optimizer": {
                    "type": "SGD",
                    "learning_rate": {"type": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 5},
                }
            }
        },
        {"network": {"layers": ["Flatten", "batch_normalization", {"type": "dense", "units": 3}]}},
        {"network": {"layers": [{"type": "Dense", "units": 3, "kernel_regularizer": "l1_l2"}]}},
        {"data": {"impute": {"strategy": "constant", "fill_value": "a"}, "drop_missing": ["a"]}},
    ],
)
def test_short_forms_and_further_names_are_in_the_schema(change):
    document = changed(change)
    assert not errors(document)
    assert VALIDATOR.is_valid(document)


def test_the_reference_experiments_are_in_the_schema():
    for path in sorted(shared("specs").glob("*.json")):
        assert VALIDATOR.is_valid(json.loads(path.read_bytes())), path


def test_what_the_base_of_these_tests_is_both_allow():
    assert VALIDATOR.is_valid(SPEC)
    assert not errors(SPEC)
