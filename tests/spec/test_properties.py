"""Any input gives either a spec and a report, or a SpecError whose pointers lead into the document."""

import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from stackyard.spec import JobSpec, Report, SpecError, check_spec, decode_json_object, parse_spec
from tests.spec.documents import (
    DATASETS,
    IRIS,
    REGRESSION,
    SPEC,
    apply_changes,
    build_array_spec,
    encode_json,
    is_valid_pointer,
)
from tests.spec.mutation import get_value, list_inner_paths, list_paths

SPECS = [
    SPEC,
    apply_changes(REGRESSION),
    build_array_spec(),
    build_array_spec({"data": {"test": {"x": "x_test", "y": "y_test"}, "normalize": {}}}),
    apply_changes(
        {
            "data": {"features": [{"columns": ["sepal_l", "petal_l"], "transform": "standard"}]},
            "network": {
                "layers": [
                    {"type": "BatchNormalization", "beta_initializer": {"type": "RandomNormal", "mean": 0.0}},
                    {"type": "Dropout", "rate": 0.5, "noise_shape": [None, 1]},
                    {"type": "Dense", "units": 3, "kernel_regularizer": {"type": "L2", "l2": 0.1}},
                    {"type": "PReLU", "shared_axes": [1]},
                    {"type": "LayerNormalization", "axis": [-1]},
                ]
            },
            "training": {
                "optimizer": {"type": "SGD", "momentum": 0.9},
                "callbacks": [{"type": "EarlyStopping", "monitor": "val_loss"}],
            },
        }
    ),
]

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-2, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=10),
    st.sampled_from(["adam", "mae", "accuracy", "Dense", "one_hot", "target", "x_train", "softmax", "random"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mutated_documents(draw):
    document = copy.deepcopy(draw(st.sampled_from(SPECS)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list_inner_paths(document)))
        container = get_value(document, path[:-1])
        match draw(st.sampled_from(["replace", "remove", "add", "copy"])):
            case "replace":
                container[path[-1]] = draw(JSON)
            case "remove":
                del container[path[-1]]
            case "add" if isinstance(container, dict):
                container[draw(st.text(max_size=8))] = draw(JSON)
            case _:
                source = draw(st.sampled_from(list(list_paths(document))))
                container[path[-1]] = copy.deepcopy(get_value(document, source))
    return document


def check_text(data):
    """Return the report on a document and its faults; no other exception may be raised."""
    try:
        spec = parse_spec(data)
        return check_spec(spec, DATASETS.get(spec.data.dataset, IRIS)), ()
    except SpecError as error:
        return None, error.faults


@settings(max_examples=400, deadline=None)
@given(mutated_documents())
def test_a_mutated_spec_is_valid_or_rejected_with_valid_pointers(document):
    report, faults = check_text(encode_json(document))
    assert (report is None) == bool(faults)
    assert all(is_valid_pointer(document, fault.pointer) for fault in faults if "\\" not in fault.pointer)
    assert all(fault.message for fault in faults)
    if report is not None:
        assert Report.model_validate_json(report.model_dump_json()) == report


@settings(max_examples=300, deadline=None)
@given(mutated_documents())
def test_a_mutated_spec_survives_serialization(document):
    try:
        spec = parse_spec(encode_json(document))
    except SpecError:
        return
    stored = json.loads(json.dumps(spec.model_dump(mode="json"), allow_nan=False))
    assert JobSpec.model_validate_json(json.dumps(stored)) == spec
    assert JobSpec.model_validate(stored) == spec
    assert parse_spec(encode_json(stored)) == spec


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_garbage_is_rejected(data):
    assert check_text(data)[1]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_decoding_equals_that_of_the_json_module(document):
    text = json.dumps(document)
    if "\\u0000" not in text and "\\ud" not in text:
        assert decode_json_object(text.encode()) == document


@settings(max_examples=200, deadline=None)
@given(JSON, st.sampled_from(["data", "network", "training", "run", "name", "tags"]))
def test_any_value_of_any_section_is_valid_or_rejected(value, section):
    report, faults = check_text(encode_json(SPEC | {section: value}))
    assert (report is None) == bool(faults)


def test_the_specs_before_the_mutations_are_valid():
    for document in SPECS:
        assert check_text(encode_json(document))[1] == ()
