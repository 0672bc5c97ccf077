"""The JSON Schema of specs allows the same documents as the parser, as far as a schema can express it."""

import json
from random import Random

import jsonschema_rs
import pytest
from pydantic import ValidationError

from stackyard.spec import JobSpec
from tests.conftest import require_shared_file
from tests.spec.documents import SPEC, apply_changes
from tests.spec.sampling import Sampler

SCHEMA = JobSpec.model_json_schema()
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
SAMPLES = 400
MUTATIONS = 4_000


def list_error_types(document):
    """Return the types of the parser's errors; the type of Stackyard's own validators is `invalid`."""
    try:
        JobSpec.model_validate(document)
    except ValidationError as error:
        return {details["type"] for details in error.errors() if not is_consequence(details)}
    return set()


def is_consequence(details):
    """Return whether Pydantic considers an array too short only because some of its elements are invalid."""
    return details["type"] == "too_short" and len(details["input"]) >= details["ctx"]["min_length"]


def draw_documents(count):
    sampler = Sampler(SCHEMA, Random(0))  # noqa: S311  # reproducible
    return [sampler.draw_document() for _ in range(count)]


def test_the_parser_accepts_what_the_schema_allows():
    """Except for arguments that contradict each other, which a schema cannot express."""
    documents = draw_documents(SAMPLES)
    assert all(map(VALIDATOR.is_valid, documents))
    error_types = [list_error_types(document) for document in documents]
    assert set().union(*error_types) <= {"invalid"}
    assert error_types.count(set()) > SAMPLES / 4


def break_document(document, random):
    """Return the document with one simple fault: an unknown key, a wrong type or a number out of range."""
    document = json.loads(json.dumps(document))
    containers = [document]
    for container in containers:
        members = container.values() if isinstance(container, dict) else container
        containers.extend(member for member in members if isinstance(member, dict | list) and member)
    container = random.choice(containers)
    key = random.choice(list(container) if isinstance(container, dict) else range(len(container)))
    container[key] = random.choice((None, True, "x", "Dense", -1, 0.5, 10**12, -1.5, [], {}, [0.5], {"type": "x"}))
    if isinstance(container, dict) and random.random() < 1 / 3:
        container["nmae"] = 1
    return document


def test_the_parser_and_the_schema_reject_the_same():
    random, valid_documents = Random(0), draw_documents(SAMPLES)  # noqa: S311  # reproducible
    documents = [break_document(random.choice(valid_documents), random) for _ in range(MUTATIONS)]
    differences = []
    for document in documents:
        is_allowed, error_types = VALIDATOR.is_valid(document), list_error_types(document)
        # Stackyard's own validators also check what no schema can express.
        if (is_allowed and error_types - {"invalid"}) or (not is_allowed and not error_types):
            differences.append((document, error_types))
    assert differences == []


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
def test_the_schema_rejects_what_a_tagged_union_rejects(change):
    document = apply_changes(change)
    assert list_error_types(document)
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
        {"data": {"features": ["a", {"columns": ["b"]}], "target": "y"}},
        {"data": {"target": ["y", "z"]}},
    ],
)
def test_the_schema_allows_short_forms_and_aliases(change):
    document = apply_changes(change)
    assert not list_error_types(document)
    assert VALIDATOR.is_valid(document)


def test_the_schema_allows_the_reference_specs():
    for path in sorted(require_shared_file("specs").glob("*.json")):
        assert VALIDATOR.is_valid(json.loads(path.read_bytes())), path


def test_the_unchanged_spec_is_valid():
    assert VALIDATOR.is_valid(SPEC)
    assert not list_error_types(SPEC)
