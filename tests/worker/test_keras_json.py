"""Round trips from a spec to Keras's JSON and back, with Keras itself."""

import json
from typing import Any

import keras
import pytest

from stackyard.spec import Loss, Metric, Network, Optimizer, SpecModel, layers
from stackyard.spec.keras_json import parse_keras_json
from stackyard.spec.keras_json.translation import UNSERIALIZED_ARGUMENTS, collect_spec_classes
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import Initializer
from stackyard.spec.network.regularizers import Regularizer
from stackyard.spec.training import metrics
from stackyard.spec.training.optimizers import SGD, Muon, OptimizerBase
from tests.conftest import require_shared_file
from tests.worker.part_variants import build_plainest, iterate_variants
from worker.keras_build.network import build_network, get_keras_arguments

pytestmark = pytest.mark.exhaustive

SPECS = {
    "concrete-batchnorm": (8,),
    "concrete-plain": (8,),
    "iris-batchnorm": (4,),
    "mnist-dropout": (28, 28),
    "mnist-plain": (28, 28),
    "red-wine": (11,),
    "spotify": (18,),
}

STACKS: dict[str, tuple[tuple[int, ...], list[Any]]] = {
    "dense layers": (
        (6,),
        [
            {"type": "Dense", "name": "first", "units": 8, "activation": "relu", "kernel_regularizer": {"type": "L2"}},
            {"type": "BatchNormalization", "renorm": True, "renorm_clipping": {"rmax": 3.0, "rmin": 0.5}},
            {"type": "Dropout", "rate": 0.25, "noise_shape": [None, 1], "seed": 3},
            {"type": "Dense", "name": "dense_1", "trainable": False, "units": 8},
            {"type": "Dense", "units": 3, "bias_initializer": {"type": "Constant", "value": 0.5}},
            {"type": "Softmax"},
        ],
    ),
    "convolutions": (
        (8, 8, 3),
        [
            {"type": "Conv2D", "filters": 4, "kernel_size": [3, 3], "strides": [2, 1], "padding": "same"},
            {"type": "SeparableConv2D", "filters": 4, "kernel_size": [2, 2], "activation": "relu"},
            {"type": "ZeroPadding2D", "padding": [[0, 1], [1, 0]]},
            {"type": "MaxPooling2D"},
            {"type": "GlobalAveragePooling2D"},
            {"type": "Dense", "units": 2},
        ],
    ),
    "sequences": (
        (7,),
        [
            {"type": "Embedding", "input_dim": 20, "output_dim": 4, "mask_zero": True},
            {"type": "GRU", "units": 2, "activation": "linear", "return_sequences": True},
            {"type": "LSTM", "name": "last", "units": 2, "recurrent_dropout": 0.25},
        ],
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_reference_network_survives_the_round_trip(name):
    network = Network.model_validate(json.loads(require_shared_file(f"specs/{name}.json").read_text())["network"])
    assert Network.model_validate(import_rewritten(network, SPECS[name]).network) == network


@pytest.mark.parametrize(("shape", "stack"), STACKS.values(), ids=STACKS.keys())
def test_a_network_survives_the_round_trip(shape, stack):
    assert import_rewritten(Network.model_validate({"layers": stack}), shape).network == {"layers": stack}


def test_a_wrapped_layer_keeps_its_generated_name():
    stack = [
        {"type": "Bidirectional", "layer": {"type": "LSTM", "units": 3, "return_sequences": True}},
        {"type": "TimeDistributed", "layer": {"type": "Dense", "units": 4}},
        {"type": "LSTM", "units": 2},
        {"type": "SpectralNormalization", "layer": {"type": "Dense", "units": 4}},
    ]
    network = Network.model_validate({"layers": stack})
    written = build_alone(network, (5, 2)).to_json()
    imported = parse_keras_json(written.encode())
    assert json.loads(build_alone(Network.model_validate(imported.network), (5, 2)).to_json()) == json.loads(written)
    for layer, name in ((stack[0], "lstm"), (stack[1], "dense"), (stack[3], "dense_1")):
        layer["layer"] = {"type": layer["layer"]["type"], "name": name} | layer["layer"]
    stack[2] = {"type": "LSTM", "name": "lstm_1", "units": 2}
    assert imported.network == {"layers": stack}


def reset_names():
    """Reset Keras's counters, so that it generates names as in a new process."""
    keras.backend.clear_session(free_memory=False)


def build_alone(network, shape):
    """Build the network as a new process would."""
    reset_names()
    return build_network(network, shape)


def import_rewritten(network, shape):
    """Import the JSON that Keras writes; assert that Keras writes the same of the imported network."""
    written = build_alone(network, shape).to_json()
    imported = parse_keras_json(written.encode())
    again = Network.model_validate(imported.network)
    assert (imported.input_shape, imported.left_out) == (shape, ())
    assert json.loads(build_alone(again, shape).to_json()) == json.loads(written)
    return imported


def test_the_layers_of_a_functional_chain_are_imported_in_order():
    reset_names()
    inputs = outputs = keras.Input((8, 8, 1))
    for layer in (
        keras.layers.Conv2D(2, 3, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(name="flat"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(3),
    ):
        outputs = layer(outputs)
    written = json.loads(keras.Model(inputs, outputs).to_json())["config"]["layers"]
    imported = parse_keras_json(keras.Model(inputs, outputs).to_json().encode())
    rewritten = json.loads(build_alone(Network.model_validate(imported.network), (8, 8, 1)).to_json())
    functional_only = {"name", "inbound_nodes"}
    assert rewritten["config"]["layers"] == [
        {key: value for key, value in layer.items() if key not in functional_only} for layer in written
    ]


UNSERIALIZED: dict[type[SpecModel], set[str]] = {
    layers.Dense: {"lora_alpha"},
    layers.Embedding: {"lora_alpha"},
    layers.GRU: {"use_cudnn"},
    layers.LSTM: {"use_cudnn"},
    **{spec_class: set(names) for spec_class, names in UNSERIALIZED_ARGUMENTS.items()},
}
"""Arguments that Keras accepts and does not write; it writes `lora_alpha` only with a `lora_rank`."""


@pytest.mark.parametrize("layer_class", collect_spec_classes(layers.Layer).values(), ids=lambda cls: cls.__name__)
def test_every_argument_of_a_layer_survives_the_round_trip(layer_class):
    named_layers = [("", build_plainest(layer_class)), *iterate_variants(layer_class)]
    configs = import_unbuilt([layer for _, layer in named_layers])
    assert list_ineffective_arguments(named_layers, configs) == UNSERIALIZED.get(layer_class, set())


@pytest.mark.parametrize(
    ("argument", "union"),
    [("kernel_initializer", Initializer), ("kernel_regularizer", Regularizer), ("kernel_constraint", Constraint)],
)
def test_every_initializer_regularizer_and_constraint_survives_the_round_trip(argument, union):
    for spec_class in collect_spec_classes(union).values():
        named_values = [("", build_plainest(spec_class)), *iterate_variants(spec_class)]
        stack = [{"type": "Dense", "units": 3, argument: value} for _, value in named_values]
        configs = import_unbuilt(Network.model_validate({"layers": stack}).layers)
        assert list_ineffective_arguments(named_values, configs) == UNSERIALIZED.get(spec_class, set())


def import_unbuilt(stack):
    """Return the configs that Keras writes of layers; assert that it writes the same of the imported layers.

    The layers are not built, so their shapes need not fit.
    """
    written = write_stack(stack)
    imported = Network.model_validate(parse_keras_json(json.dumps(written).encode()).network)
    assert write_stack(imported.layers) == written
    return [layer["config"] | {"name": ""} for layer in written["config"]["layers"]]


def list_ineffective_arguments(named_values, configs):
    """Return the arguments whose values make no difference in Keras's configs; the first config has the defaults."""
    effective = [
        name
        for (name, value), config in zip(named_values, configs, strict=True)
        if config != configs[0] or has_default_data_format(value)
    ]
    return {name for name, _ in named_values} - {"", *effective}


def has_default_data_format(value):
    return getattr(value, "data_format", None) == "channels_last"


def write_stack(stack):
    reset_names()
    return json.loads(keras.Sequential([build_keras_object(keras.layers, layer) for layer in stack]).to_json())


def build_keras_object(module, value):
    return getattr(module, value.type)(**get_keras_arguments(value))


COMPILE_ARGUMENTS = [
    ("optimizer", keras.optimizers, Optimizer),
    ("loss", keras.losses, Loss),
    ("metrics", keras.metrics, Metric),
]


@pytest.mark.parametrize(("key", "module", "union"), COMPILE_ARGUMENTS, ids=[key for key, *_ in COMPILE_ARGUMENTS])
def test_every_argument_of_a_training_survives_the_round_trip(key, module, union):
    classes = collect_spec_classes(union).values()
    for spec_class in (cls for cls in classes if cls is not metrics.Accuracy):  # Keras has only a string for it
        for name, value in [("", build_plainest(spec_class)), *iterate_variants(spec_class)]:
            if name in OptimizerBase.model_fields and spec_class not in (SGD, Muon):
                continue  # arguments of every optimizer are tested with those two
            try:
                written = write_compiled(key, module, value)
            except ValueError:
                continue  # Keras rejects this combination
            imported = parse_keras_json(json.dumps(written).encode())
            document = imported.training[key][0] if key == "metrics" else imported.training[key]
            assert write_compiled(key, module, spec_class.model_validate(document)) == written
            if name in UNSERIALIZED.get(spec_class, ()):
                assert any(f'"{name}"' in omission.message for omission in imported.left_out)


def write_compiled(key, module, value):
    """Return what Keras writes of a model that is compiled with this optimizer, loss or metric."""
    reset_names()
    keras_object = build_keras_object(module, value)
    network = keras.Sequential([keras.layers.Dense(1)])
    compile_value = [keras_object] if key == "metrics" else keras_object
    network.compile(**{"optimizer": "sgd", "loss": "mse", key: compile_value})
    return json.loads(network.to_json())
