"""Keras's JSON as data: what is read of it, what is named, and that nothing else ever happens."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackyard.spec import Limits, Network, SpecError
from stackyard.spec.keras_json import Imported, read_keras
from tests.spec.keras_documents import (
    COMPILED,
    FLOAT32,
    MODEL,
    call,
    dense,
    door,
    functional,
    initializer,
    keras_object,
    layer,
    node,
    sequential,
    tensor,
)


def read(document) -> Imported:
    return read_keras(json.dumps(document).encode())


def faults(document) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        read(document)
    return {problem.pointer: problem.message for problem in caught.value.problems}


def test_what_differs_from_the_defaults_is_kept():
    imported = read(MODEL)
    assert imported.network == {
        "layers": [
            {"type": "Dense", "units": 8, "activation": "relu", "kernel_regularizer": {"type": "L2", "l2": 0.5}},
            {"type": "BatchNormalization", "renorm": True, "renorm_clipping": {"rmax": 3.0}},
            {"type": "Dropout", "rate": 0.5, "noise_shape": [None, 1], "seed": 3},
            {"type": "Dense", "units": 3, "activation": "softmax", "kernel_initializer": {"type": "HeNormal"}},
        ]
    }
    assert (imported.input_shape, imported.training, imported.left_out) == ((4,), None, ())
    assert all(next(iter(layer)) == "type" for layer in imported.network["layers"])


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["dense", "dense_1", "dense_2"], [None, None, None]),
        (["dense_1", "dense", "dense_2"], ["dense_1", None, "dense_2"]),
        (["a", "dense", "b", "dense_1"], ["a", None, "b", None]),
        (["dense_7", "dense_8"], ["dense_7", "dense_8"]),
    ],
)
def test_a_name_that_keras_would_make_up_again_is_left_to_it(names, kept):
    layers = read(sequential(*map(dense, names))).network["layers"]
    assert [layer.get("name") for layer in layers] == kept


def test_a_functional_chain_is_followed_and_not_the_list():
    chain = functional(
        node(dense("last"), call("middle", training=False, mask=None)),
        node(dense("middle", units=5), call("input_layer")),
        node(door((None, None, 2))),
    )
    imported = read(chain)
    assert [layer["name"] for layer in imported.network["layers"]] == ["middle", "last"]
    assert imported.input_shape == (None, 2)


FIRST = node(door())
LAST = node(dense("last"), call("a"))

BRANCHES = {
    "two layers after one": (
        functional(FIRST, node(dense("a"), call("input_layer")), node(dense("b"), call("a")), LAST),
        "/config/layers/3/inbound_nodes",
        'a branch: "b" takes the output of "a" too',
    ),
    "two inputs of a layer": (
        functional(FIRST, node(dense("a"), call([tensor("input_layer"), tensor("last")])), LAST),
        "/config/layers/1/inbound_nodes/0/args",
        "received several",
    ),
    "a layer called twice": (
        functional(FIRST, node(dense("a"), call("input_layer"), call("input_layer")), LAST),
        "/config/layers/1/inbound_nodes",
        "several calls share",
    ),
    "another output than the first": (
        functional(FIRST, node(dense("a"), call("input_layer")), node(dense("last"), call(tensor("a", 0, 1)))),
        "/config/layers/2/inbound_nodes/0/args",
        "another of its outputs",
    ),
    "an argument of a call": (
        functional(FIRST, node(dense("a"), call("input_layer", training=True)), LAST),
        "/config/layers/1/inbound_nodes/0/kwargs/training",
        'without "training"',
    ),
    "two inputs": (
        functional(FIRST, node(dense("a"), call("input_layer")), LAST, inputs=[["input_layer", 0, 0], ["a", 0, 0]]),
        "/config/input_layers",
        "expected one input, received 2",
    ),
    "no output": (
        functional(FIRST, node(dense("a"), call("input_layer")), LAST, outputs=[]),
        "/config/output_layers",
        "expected the output",
    ),
    "a layer aside": (
        functional(FIRST, node(dense("a"), call("input_layer")), LAST, node(dense("b"), call("b"))),
        "/config/layers",
        "received others beside it",
    ),
    "a circle": (
        functional(node(door(), call("last")), node(dense("a"), call("last")), LAST),
        "/config/layers/1/inbound_nodes",
        "a branch",
    ),
    "a name twice": (
        functional(FIRST, node(dense("a"), call("input_layer")), node(dense("a"), call("a")), LAST),
        "/config/layers/2/name",
        "a name of its own",
    ),
}


@pytest.mark.parametrize(("document", "where", "why"), BRANCHES.values(), ids=BRANCHES.keys())
def test_a_model_that_is_no_chain_is_named_where_it_is_none(document, where, why):
    assert why in faults(document)[where]


def custom(made, **changes):
    return made | changes


FAULTS = {
    "a class that is not here": (sequential(layer("Lambda", name="l")), "/config/layers/0/class_name"),
    "an operation with nearly a layer's name": (sequential(layer("Relu")), "/config/layers/0/class_name"),
    "a class without a name": (sequential(custom(dense(), class_name=None)), "/config/layers/0"),
    "a registered class": (
        sequential(custom(dense(), registered_name="mine>Dense")),
        "/config/layers/0/registered_name",
    ),
    "a class of another module": (sequential(custom(dense(), module="builtins")), "/config/layers/0/module"),
    "a module that only begins like Keras's": (
        sequential(custom(dense(), module="keras_hub.layers")),
        "/config/layers/0/module",
    ),
    "no arguments": (sequential(custom(dense(), config=[])), "/config/layers/0/config"),
    "another dtype": (
        sequential(dense(dtype=FLOAT32 | {"config": {"name": "mixed_float16"}})),
        "/config/layers/0/config/dtype/config/name",
    ),
    "another dtype in short": (sequential(dense(dtype="float16")), "/config/layers/0/config/dtype"),
    "another kind of dtype": (
        sequential(dense(dtype=FLOAT32 | {"class_name": "QuantizedDTypePolicy"})),
        "/config/layers/0/config/dtype",
    ),
    "a function of one's own": (
        sequential(dense(activation={"module": "builtins", "class_name": "function", "config": "f"})),
        "/config/layers/0/config/activation",
    ),
    "a value out of bounds": (sequential(dense(units=0)), "/config/layers/0/config/units"),
    "an argument that is not there": (
        sequential(custom(dense(), config={"name": "dense"})),
        "/config/layers/0/config",
    ),
    "an argument that is not here": (sequential(dense(fold=True)), "/config/layers/0/config/fold"),
    "an argument with more than its idle value": (
        sequential(dense(quantization_config={"mode": "int8"})),
        "/config/layers/0/config/quantization_config",
    ),
    "an argument that would pass for the class": (sequential(dense(type="Dropout")), "/config/layers/0/config/type"),
    "a part of a part": (
        sequential(dense(kernel_initializer=initializer("RandomNormal", stddev=-1.0))),
        "/config/layers/0/config/kernel_initializer/config/stddev",
    ),
    "a part that is not here": (
        sequential(dense(kernel_initializer=initializer("STFT"))),
        "/config/layers/0/config/kernel_initializer/class_name",
    ),
    "a part of one's own": (
        sequential(dense(kernel_initializer=initializer("Zeros") | {"registered_name": "mine>Zeros"})),
        "/config/layers/0/config/kernel_initializer/registered_name",
    ),
    "an element of an array": (
        sequential(layer("Dropout", rate=0.5, noise_shape={"class_name": "__tuple__", "items": [None, 0]})),
        "/config/layers/0/config/noise_shape/items/1",
    ),
    "the layer inside another": (
        sequential(layer("Bidirectional", layer=layer("LSTM", units=0), merge_mode="concat")),
        "/config/layers/0/config/layer/config/units",
    ),
    "a frozen model of layers that are not": (sequential(dense(), trainable=False), "/config/trainable"),
    "an input in the middle": (sequential(dense(), door()), "/config/layers/1/class_name"),
    "a sparse input": (sequential(door(sparse=True), dense()), "/config/layers/0/config/sparse"),
    "an argument of the input": (sequential(door(size=[3]), dense()), "/config/layers/0/config/size"),
    "an input of no size": (sequential(door((None, 0)), dense()), "/config/layers/0/config/batch_shape"),
    "no layer": (sequential(door()), "/config/layers"),
    "a layer in short": (sequential("Flatten"), "/config/layers/0"),
    "no layers": (sequential() | {"config": {}}, ""),
    "a model of one's own": (sequential(dense()) | {"class_name": "Mine"}, "/class_name"),
    "a model registered": (sequential(dense()) | {"registered_name": "mine>Sequential"}, "/registered_name"),
    "an older Keras": ({"class_name": "Sequential", "config": {"layers": []}, "keras_version": "2.15.0"}, ""),
    "nothing": ({}, ""),
}


@pytest.mark.parametrize(("document", "where"), FAULTS.values(), ids=FAULTS.keys())
def test_what_the_language_cannot_say_is_named_at_its_place(document, where):
    found = faults(document)
    assert list(found) == [where]
    assert found[where].startswith("expected ")


def test_every_fault_is_told_at_once():
    document = sequential(door(), dense(units=0), layer("Lambda"), dense(use_bias="no", activation="mine"))
    assert list(faults(document)) == [
        "/config/layers/2/class_name",
        "/config/layers/1/config/units",
        "/config/layers/3/config/activation",
        "/config/layers/3/config/use_bias",
    ]


def test_the_limits_of_a_spec_hold():
    with pytest.raises(SpecError, match="max_layers"):
        read_keras(json.dumps(sequential(*[dense()] * 4)).encode(), Limits(max_layers=2))
    with pytest.raises(SpecError, match="max_json_bytes"):
        read_keras(json.dumps(MODEL).encode(), Limits(max_json_bytes=100))


def test_what_the_network_does_without_is_left_out_by_name():
    first = door((32, 4), name="pixels", dtype="uint8")
    imported = read(sequential(first, dense(), name="mine"))
    assert imported.input_shape == (4,)
    assert {note.pointer: note.message.split(":")[0] for note in imported.left_out} == {
        "/config/layers/0/config/batch_shape/0": "a batch of 32",
        "/config/layers/0/config/dtype": 'the type "uint8"',
        "/config/layers/0/config/name": 'the name "pixels"',
        "/config/name": 'the name "mine"',
    }


def test_a_model_that_was_built_without_an_input_says_its_shape():
    assert read(sequential(dense(), build_input_shape=[None, 7])).input_shape == (7,)
    assert read(sequential(dense())).input_shape is None


def test_a_compiled_model_says_how_it_is_trained():
    imported = read(sequential(dense(), compiled=COMPILED))
    assert imported.training == {
        "optimizer": {"type": "Adam", "beta_1": 0.8},
        "loss": {"type": "SparseCategoricalCrossentropy"},
        "metrics": [{"type": "Accuracy", "name": "acc"}, {"type": "AUC", "num_thresholds": 100}],
    }
    assert imported.left_out == ()


LEFT_OUT = {
    "an optimizer of one's own": (
        {"optimizer": COMPILED["optimizer"] | {"registered_name": "mine>Adam"}},
        "/compile_config/optimizer/registered_name",
    ),
    "a loss of one's own": ({"loss": {"module": "builtins", "class_name": "function"}}, "/compile_config/loss/module"),
    "several losses": ({"loss": ["mse", "mae"]}, "/compile_config/loss"),
    "Keras's exact equality": (
        {"metrics": [keras_object("keras.metrics", "Accuracy", name="accuracy")]},
        "/compile_config/metrics/0/class_name",
    ),
    "metrics by output": ({"metrics": {"a": ["mse"]}}, "/compile_config/metrics"),
    "too many metrics": ({"metrics": ["mse"] * 101}, "/compile_config/metrics"),
    "weights of losses": ({"loss_weights": [1.0]}, "/compile_config/loss_weights"),
    "what Keras itself forgets": (
        {"loss": keras_object("keras.losses", "Huber", name="huber_loss")},
        "/compile_config/loss",
    ),
    "nothing of the kind": ("adam", "/compile_config"),
}


@pytest.mark.parametrize(("compiled", "where"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_a_training_cannot_say_is_left_out_by_name(compiled, where):
    whole = COMPILED | compiled if isinstance(compiled, dict) else compiled
    imported = read(sequential(dense(), compiled=whole))
    assert [note.pointer for note in imported.left_out] == [where]
    assert imported.network == {"layers": [{"type": "Dense", "units": 3}]}


WORDS = ["", "Dense", "Lambda", "Functional", "InputLayer", "__tuple__", "keras", "builtins", "os", "a/b~"]
KEYS = ["class_name", "config", "module", "type", "items", "name", "x"]
NUMBERS = st.integers(-3, 2**40) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=5,
)

REAL = [
    sequential(*MODEL["config"]["layers"], compiled=COMPILED),
    functional(FIRST, node(dense("a"), call("input_layer")), LAST),
]


def places(value, way=()):
    yield way
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, (*way, key))


@st.composite
def mutated(draw):
    document = copy.deepcopy(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from([place for place in places(document) if place]))
        holder = document
        for key in way:
            holder = holder[key]
        if draw(st.booleans()):
            holder[last] = draw(JSON)
        else:
            del holder[last]
    return document


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_whatever_becomes_of_a_document_it_is_a_network_or_an_error_with_places(document):
    try:
        imported = read(document)
        notes = imported.left_out
        Network.model_validate(imported.network)
    except SpecError as error:
        notes = error.problems
    assert [note.pointer for note in notes if not leads_somewhere(document, note.pointer)] == []


def leads_somewhere(document, pointer):
    here = document
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list) and int(key) < len(here):
            here = here[int(key)]
        elif isinstance(here, dict) and key in here:
            here = here[key]
        else:
            return False
    return True
