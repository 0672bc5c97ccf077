"""The import of Keras's JSON: the parsed network, the omissions and the faults with their pointers."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackyard.spec import Limits, Network, SpecError, not_offered
from stackyard.spec.keras_json import ImportedModel, parse_keras_json
from tests.spec.documents import is_valid_pointer
from tests.spec.keras_documents import (
    COMPILE_CONFIG,
    DTYPE_POLICY,
    MODEL,
    build_call,
    build_dense,
    build_functional,
    build_initializer,
    build_input_layer,
    build_keras_object,
    build_layer,
    build_node,
    build_sequential,
    build_tensor,
)
from tests.spec.mutation import list_inner_paths


def parse_document(document) -> ImportedModel:
    return parse_keras_json(json.dumps(document).encode())


def collect_faults(document) -> dict[str, str]:
    with pytest.raises(SpecError) as raised:
        parse_document(document)
    return {fault.pointer: fault.message for fault in raised.value.faults}


def test_only_arguments_that_differ_from_the_defaults_are_imported():
    imported = parse_document(MODEL)
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
    ("names", "imported_names"),
    [
        (["dense", "dense_1", "dense_2"], [None, None, None]),
        (["dense_1", "dense", "dense_2"], ["dense_1", None, "dense_2"]),
        (["a", "dense", "b", "dense_1"], ["a", None, "b", None]),
        (["dense_7", "dense_8"], ["dense_7", "dense_8"]),
    ],
)
def test_names_that_keras_would_generate_again_are_left_out(names, imported_names):
    layers = parse_document(build_sequential(*map(build_dense, names))).network["layers"]
    assert [layer.get("name") for layer in layers] == imported_names


def test_functional_layers_are_sorted_along_the_chain():
    chain = build_functional(
        build_node(build_dense("last"), build_call("middle", training=False, mask=None)),
        build_node(build_dense("middle", units=5), build_call("input_layer")),
        build_node(build_input_layer((None, None, 2))),
    )
    imported = parse_document(chain)
    assert [layer["name"] for layer in imported.network["layers"]] == ["middle", "last"]
    assert imported.input_shape == (None, 2)


FIRST = build_node(build_input_layer())
LAST = build_node(build_dense("last"), build_call("a"))

BROKEN_CHAINS = {
    "two layers after one": (
        build_functional(
            FIRST,
            build_node(build_dense("a"), build_call("input_layer")),
            build_node(build_dense("b"), build_call("a")),
            LAST,
        ),
        "/config/layers/3/inbound_nodes",
        'a branch: "b" also receives the output of "a"',
    ),
    "two inputs of a layer": (
        build_functional(
            FIRST, build_node(build_dense("a"), build_call([build_tensor("input_layer"), build_tensor("last")])), LAST
        ),
        "/config/layers/1/inbound_nodes/0/args",
        "received several",
    ),
    "a layer called twice": (
        build_functional(
            FIRST, build_node(build_dense("a"), build_call("input_layer"), build_call("input_layer")), LAST
        ),
        "/config/layers/1/inbound_nodes",
        "several calls share",
    ),
    "another output than the first": (
        build_functional(
            FIRST,
            build_node(build_dense("a"), build_call("input_layer")),
            build_node(build_dense("last"), build_call(build_tensor("a", 0, 1))),
        ),
        "/config/layers/2/inbound_nodes/0/args",
        "another of its outputs",
    ),
    "an argument of a call": (
        build_functional(FIRST, build_node(build_dense("a"), build_call("input_layer", training=True)), LAST),
        "/config/layers/1/inbound_nodes/0/kwargs/training",
        'without "training"',
    ),
    "two inputs": (
        build_functional(
            FIRST,
            build_node(build_dense("a"), build_call("input_layer")),
            LAST,
            inputs=[["input_layer", 0, 0], ["a", 0, 0]],
        ),
        "/config/input_layers",
        "expected one input, received 2",
    ),
    "no output": (
        build_functional(FIRST, build_node(build_dense("a"), build_call("input_layer")), LAST, outputs=[]),
        "/config/output_layers",
        "expected the output",
    ),
    "a layer outside the chain": (
        build_functional(
            FIRST,
            build_node(build_dense("a"), build_call("input_layer")),
            LAST,
            build_node(build_dense("b"), build_call("b")),
        ),
        "/config/layers",
        "received other layers",
    ),
    "a cycle": (
        build_functional(
            build_node(build_input_layer(), build_call("last")), build_node(build_dense("a"), build_call("last")), LAST
        ),
        "/config/layers/1/inbound_nodes",
        "a branch",
    ),
    "a duplicate name": (
        build_functional(
            FIRST,
            build_node(build_dense("a"), build_call("input_layer")),
            build_node(build_dense("a"), build_call("a")),
            LAST,
        ),
        "/config/layers/2/name",
        "a unique name",
    ),
}


@pytest.mark.parametrize(("document", "pointer", "message"), BROKEN_CHAINS.values(), ids=BROKEN_CHAINS.keys())
def test_a_fault_points_to_where_a_model_is_not_a_chain(document, pointer, message):
    assert message in collect_faults(document)[pointer]


def replace_members(keras_layer, **changes):
    return keras_layer | changes


FAULTS = {
    "an unsupported class": (build_sequential(build_layer("Lambda", name="l")), "/config/layers/0/class_name"),
    "a name similar to a layer's": (build_sequential(build_layer("Relu")), "/config/layers/0/class_name"),
    "no class name": (build_sequential(replace_members(build_dense(), class_name=None)), "/config/layers/0"),
    "a registered class": (
        build_sequential(replace_members(build_dense(), registered_name="mine>Dense")),
        "/config/layers/0/registered_name",
    ),
    "a class of another module": (
        build_sequential(replace_members(build_dense(), module="builtins")),
        "/config/layers/0/module",
    ),
    "a module that only begins like Keras's": (
        build_sequential(replace_members(build_dense(), module="keras_hub.layers")),
        "/config/layers/0/module",
    ),
    "no arguments": (build_sequential(replace_members(build_dense(), config=[])), "/config/layers/0/config"),
    "another dtype": (
        build_sequential(build_dense(dtype=DTYPE_POLICY | {"config": {"name": "mixed_float16"}})),
        "/config/layers/0/config/dtype/config/name",
    ),
    "another dtype as a string": (build_sequential(build_dense(dtype="float16")), "/config/layers/0/config/dtype"),
    "another kind of dtype": (
        build_sequential(build_dense(dtype=DTYPE_POLICY | {"class_name": "QuantizedDTypePolicy"})),
        "/config/layers/0/config/dtype",
    ),
    "a custom function": (
        build_sequential(build_dense(activation={"module": "builtins", "class_name": "function", "config": "f"})),
        "/config/layers/0/config/activation",
    ),
    "a value out of bounds": (build_sequential(build_dense(units=0)), "/config/layers/0/config/units"),
    "a missing argument": (
        build_sequential(replace_members(build_dense(), config={"name": "dense"})),
        "/config/layers/0/config",
    ),
    "an unsupported argument": (build_sequential(build_dense(fold=True)), "/config/layers/0/config/fold"),
    "an unsupported argument with an effective value": (
        build_sequential(build_dense(quantization_config={"mode": "int8"})),
        "/config/layers/0/config/quantization_config",
    ),
    "an argument named type": (build_sequential(build_dense(type="Dropout")), "/config/layers/0/config/type"),
    "an argument of an initializer": (
        build_sequential(build_dense(kernel_initializer=build_initializer("RandomNormal", stddev=-1.0))),
        "/config/layers/0/config/kernel_initializer/config/stddev",
    ),
    "an unsupported initializer": (
        build_sequential(build_dense(kernel_initializer=build_initializer("STFT"))),
        "/config/layers/0/config/kernel_initializer/class_name",
    ),
    "a custom initializer": (
        build_sequential(
            build_dense(kernel_initializer=build_initializer("Zeros") | {"registered_name": "mine>Zeros"})
        ),
        "/config/layers/0/config/kernel_initializer/registered_name",
    ),
    "an item of an array": (
        build_sequential(
            build_layer("Dropout", rate=0.5, noise_shape={"class_name": "__tuple__", "items": [None, 0]})
        ),
        "/config/layers/0/config/noise_shape/items/1",
    ),
    "a wrapped layer": (
        build_sequential(build_layer("Bidirectional", layer=build_layer("LSTM", units=0), merge_mode="concat")),
        "/config/layers/0/config/layer/config/units",
    ),
    "a frozen model of trainable layers": (build_sequential(build_dense(), trainable=False), "/config/trainable"),
    "an input in the middle": (build_sequential(build_dense(), build_input_layer()), "/config/layers/1/class_name"),
    "a sparse input": (
        build_sequential(build_input_layer(sparse=True), build_dense()),
        "/config/layers/0/config/sparse",
    ),
    "an argument of the input": (
        build_sequential(build_input_layer(size=[3]), build_dense()),
        "/config/layers/0/config/size",
    ),
    "an input of size 0": (
        build_sequential(build_input_layer((None, 0)), build_dense()),
        "/config/layers/0/config/batch_shape",
    ),
    "no layer": (build_sequential(build_input_layer()), "/config/layers"),
    "a layer as a string": (build_sequential("Flatten"), "/config/layers/0"),
    "no layers": (build_sequential() | {"config": {}}, ""),
    "a custom model": (build_sequential(build_dense()) | {"class_name": "Mine"}, "/class_name"),
    "a registered model": (
        build_sequential(build_dense()) | {"registered_name": "mine>Sequential"},
        "/registered_name",
    ),
    "Keras 2": ({"class_name": "Sequential", "config": {"layers": []}, "keras_version": "2.15.0"}, ""),
    "an empty object": ({}, ""),
}


@pytest.mark.parametrize(("document", "pointer"), FAULTS.values(), ids=FAULTS.keys())
def test_unsupported_input_is_reported_at_its_pointer(document, pointer):
    messages = collect_faults(document)
    assert list(messages) == [pointer]
    assert messages[pointer].startswith("expected ")


def test_all_faults_are_reported_together():
    document = build_sequential(
        build_input_layer(), build_dense(units=0), build_layer("Lambda"), build_dense(use_bias="no", activation="mine")
    )
    assert list(collect_faults(document)) == [
        "/config/layers/2/class_name",
        "/config/layers/1/config/units",
        "/config/layers/3/config/activation",
        "/config/layers/3/config/use_bias",
    ]


def test_limits_of_a_spec_apply():
    with pytest.raises(SpecError, match="max_layers"):
        parse_keras_json(json.dumps(build_sequential(*[build_dense()] * 4)).encode(), Limits(max_layers=2))
    with pytest.raises(SpecError, match="max_json_bytes"):
        parse_keras_json(json.dumps(MODEL).encode(), Limits(max_json_bytes=100))


def test_settings_without_effect_on_the_network_are_listed_as_omissions():
    input_layer = build_input_layer((32, 4), name="pixels", dtype="uint8")
    imported = parse_document(build_sequential(input_layer, build_dense(), name="mine"))
    assert imported.input_shape == (4,)
    assert {omission.pointer: omission.message.split(":")[0] for omission in imported.left_out} == {
        "/config/layers/0/config/batch_shape/0": "a batch of 32",
        "/config/layers/0/config/dtype": 'the type "uint8"',
        "/config/layers/0/config/name": 'the name "pixels"',
        "/config/name": 'the name "mine"',
    }


def test_the_input_shape_of_a_built_model_is_imported():
    assert parse_document(build_sequential(build_dense(), build_input_shape=[None, 7])).input_shape == (7,)
    assert parse_document(build_sequential(build_dense())).input_shape is None


def test_the_training_of_a_compiled_model_is_imported():
    imported = parse_document(build_sequential(build_dense(), compiled=COMPILE_CONFIG))
    assert imported.training == {
        "optimizer": {"type": "Adam", "beta_1": 0.8},
        "loss": {"type": "SparseCategoricalCrossentropy"},
        "metrics": [{"type": "Accuracy", "name": "acc"}, {"type": "AUC", "num_thresholds": 100}],
    }
    assert imported.left_out == ()


OMITTED_SETTINGS = {
    "a custom optimizer": (
        {"optimizer": COMPILE_CONFIG["optimizer"] | {"registered_name": "mine>Adam"}},
        "/compile_config/optimizer/registered_name",
    ),
    "a custom loss": ({"loss": {"module": "builtins", "class_name": "function"}}, "/compile_config/loss/module"),
    "several losses": ({"loss": ["mse", "mae"]}, "/compile_config/loss"),
    "Keras's exact equality": (
        {"metrics": [build_keras_object("keras.metrics", "Accuracy", name="accuracy")]},
        "/compile_config/metrics/0/class_name",
    ),
    "metrics by output": ({"metrics": {"a": ["mse"]}}, "/compile_config/metrics"),
    "too many metrics": ({"metrics": ["mse"] * 101}, "/compile_config/metrics"),
    "loss weights": ({"loss_weights": [1.0]}, "/compile_config/loss_weights"),
    "an argument that Keras does not write": (
        {"loss": build_keras_object("keras.losses", "Huber", name="huber_loss")},
        "/compile_config/loss",
    ),
    "a string": ("adam", "/compile_config"),
}


@pytest.mark.parametrize(("compiled", "pointer"), OMITTED_SETTINGS.values(), ids=OMITTED_SETTINGS.keys())
def test_unsupported_settings_of_a_training_are_listed_as_omissions(compiled, pointer):
    compile_config = COMPILE_CONFIG | compiled if isinstance(compiled, dict) else compiled
    imported = parse_document(build_sequential(build_dense(), compiled=compile_config))
    assert [omission.pointer for omission in imported.left_out] == [pointer]
    assert imported.network == {"layers": [{"type": "Dense", "units": 3}]}


WORDS = ["", "Dense", "Lambda", "Functional", "InputLayer", "__tuple__", "keras", "builtins", "os", "a/b~"]
KEYS = ["class_name", "config", "module", "type", "items", "name", "x"]
NUMBERS = st.integers(-3, 2**40) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=5,
)

VALID_DOCUMENTS = [
    build_sequential(*MODEL["config"]["layers"], compiled=COMPILE_CONFIG),
    build_functional(FIRST, build_node(build_dense("a"), build_call("input_layer")), LAST),
]


@st.composite
def mutated_documents(draw):
    document = copy.deepcopy(draw(st.sampled_from(VALID_DOCUMENTS)))
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(list_inner_paths(document)))
        container = document
        for key in parents:
            container = container[key]
        if draw(st.booleans()):
            container[last] = draw(JSON)
        else:
            del container[last]
    return document


@settings(max_examples=400, deadline=None)
@given(mutated_documents())
def test_a_mutated_document_gives_a_network_or_an_error_with_valid_pointers(document):
    try:
        imported = parse_document(document)
        notes = imported.left_out
        Network.model_validate(imported.network)
    except SpecError as error:
        notes = error.faults
    assert [note.pointer for note in notes if not is_valid_pointer(document, note.pointer)] == []


@pytest.mark.parametrize("module", ["builtins", "keras.losses"])
def test_the_functions_of_a_compiled_model_are_read_by_their_names(module):
    def build_function(name):
        return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}

    compiled = {"loss": build_function("categorical_crossentropy"), "metrics": [[build_function("binary_accuracy")]]}
    imported = parse_document(build_sequential(build_input_layer(), build_dense(), compiled=compiled))
    assert imported.training == {
        "loss": {"type": "CategoricalCrossentropy"},
        "metrics": [{"type": "BinaryAccuracy"}],
    }
    unknown = build_sequential(build_input_layer(), build_dense(), compiled={"loss": build_function("os.system")})
    assert parse_document(unknown).training is None


@pytest.mark.parametrize("class_name", ["Sequential", "Functional"])
def test_a_nested_model_is_named_as_what_cannot_be_imported(class_name):
    nested = build_keras_object("keras", class_name, name="encoder", layers=[build_input_layer(), build_dense()])
    faults = collect_faults(build_sequential(build_input_layer(), nested, build_dense("dense_1")))
    [message] = faults.values()
    assert f'received a nested model, "encoder" ({class_name}), which cannot be imported' in message


def test_a_layer_that_specs_do_not_offer_is_named_with_the_reason():
    document = build_sequential(build_input_layer(), build_layer("MultiHeadAttention", name="a", num_heads=1))
    with pytest.raises(SpecError) as raised:
        parse_document(document)
    [fault] = raised.value.faults
    assert (fault.pointer, fault.fix) == ("/config/layers/1/class_name", not_offered.LAYERS["MultiHeadAttention"])
    assert len(fault.message) < 200


def test_layer_names_may_have_hyphens_and_dots():
    layers = parse_document(build_sequential(build_dense("block-1.dense_2"))).network["layers"]
    assert [layer["name"] for layer in layers] == ["block-1.dense_2"]
