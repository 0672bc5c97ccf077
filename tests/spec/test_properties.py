"""Whatever comes: a spec and a report, or a SpecError whose pointers lead into the document."""

import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from stackyard.spec import JobSpec, Report, SpecError, check, decode, parse
from tests.spec.documents import DATASETS, IRIS, REGRESSION, SPEC, as_arrays, changed, encode

SPECS = [
    SPEC,
    changed(REGRESSION),
    as_arrays(),
    as_arrays({"data": {"test": {"x": "x_test", "y": "y_test"}, "normalize": {}}}),
    changed(
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


def places(value, way=()):
    yield way
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, (*way, key))


def at(document, steps):
    for step in steps:
        document = document[step]
    return document


@st.composite
def mutated(draw):
    document = copy.deepcopy(draw(st.sampled_from(SPECS)))
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from([way for way in places(document) if way]))
        holder = at(document, way[:-1])
        match draw(st.sampled_from(["replace", "remove", "add", "copy"])):
            case "replace":
                holder[way[-1]] = draw(JSON)
            case "remove":
                del holder[way[-1]]
            case "add" if isinstance(holder, dict):
                holder[draw(st.text(max_size=8))] = draw(JSON)
            case _:
                holder[way[-1]] = copy.deepcopy(at(document, draw(st.sampled_from(list(places(document))))))
    return document


def leads_into(document, pointer):
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return True


def judged(data):
    """The report on a document, or its problems: nothing else may come of it."""
    try:
        spec = parse(data)
        return check(spec, DATASETS.get(spec.data.dataset, IRIS)), ()
    except SpecError as error:
        return None, error.problems


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_a_mutated_spec_is_right_or_refused_where_it_is_wrong(document):
    report, problems = judged(encode(document))
    assert (report is None) == bool(problems)
    assert all(leads_into(document, problem.pointer) for problem in problems if "\\" not in problem.pointer)
    assert all(problem.message for problem in problems)
    if report is not None:
        assert Report.model_validate_json(report.model_dump_json()) == report


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_what_parses_is_the_same_after_a_trip_through_json(document):
    try:
        spec = parse(encode(document))
    except SpecError:
        return
    stored = json.loads(json.dumps(spec.model_dump(mode="json"), allow_nan=False))
    assert JobSpec.model_validate_json(json.dumps(stored)) == spec
    assert JobSpec.model_validate(stored) == spec
    assert parse(encode(stored)) == spec


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_garbage_is_refused(data):
    assert judged(data)[1]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_what_is_decoded_is_what_json_says(document):
    text = json.dumps(document)
    if "\\u0000" not in text and "\\ud" not in text:
        assert decode(text.encode()) == document


@settings(max_examples=200, deadline=None)
@given(JSON, st.sampled_from(["data", "network", "training", "run", "name", "tags"]))
def test_any_value_in_any_section_is_right_or_refused(value, section):
    report, problems = judged(encode(SPEC | {section: value}))
    assert (report is None) == bool(problems)


def test_every_spec_that_is_mutated_was_right():
    for document in SPECS:
        assert judged(encode(document))[1] == ()
