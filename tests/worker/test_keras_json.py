"""Keras's JSON to a spec and back, with Keras itself on both ends."""

import json
from typing import Any

import keras
import pytest

from stackyard.spec import Loss, Metric, Network, Optimizer, Part, layers
from stackyard.spec.keras_json import read_keras
from stackyard.spec.keras_json.translation import UNWRITTEN, choices
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import Initializer
from stackyard.spec.network.regularizers import Regularizer
from stackyard.spec.training import metrics
from stackyard.spec.training.optimizers import SGD, Muon, OptimizerBase
from tests.conftest import shared
from tests.worker.variants import plainest, variants
from worker.keras_build.network import arguments, build

SPECS = {
    "concrete-batchnorm": (8,),
    "concrete-plain": (8,),
    "iris-batchnorm": (4,),
    "mnist-dropout": (28, 28),
    "mnist-plain": (28, 28),
    "red-wine": (11,),
    "spotify": (18,),
}

OWN: dict[str, tuple[tuple[int, ...], list[Any]]] = {
    "of dense layers": (
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
    "of convolutions": (
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
    "of sequences": (
        (7,),
        [
            {"type": "Embedding", "input_dim": 20, "output_dim": 4, "mask_zero": True},
            {"type": "GRU", "units": 2, "activation": "linear", "return_sequences": True},
            {"type": "LSTM", "name": "last", "units": 2, "recurrent_dropout": 0.25},
        ],
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_reference_network_comes_back_as_it_was(name):
    network = Network.model_validate(json.loads(shared(f"specs/{name}.json").read_text())["network"])
    assert Network.model_validate(comes_back(network, SPECS[name]).network) == network


@pytest.mark.parametrize(("shape", "stack"), OWN.values(), ids=OWN.keys())
def test_a_network_comes_back_as_it_was(shape, stack):
    assert comes_back(Network.model_validate({"layers": stack}), shape).network == {"layers": stack}


def test_a_wrapped_layer_keeps_the_name_that_keras_gave_it():
    stack = [
        {"type": "Bidirectional", "layer": {"type": "LSTM", "units": 3, "return_sequences": True}},
        {"type": "TimeDistributed", "layer": {"type": "Dense", "units": 4}},
        {"type": "LSTM", "units": 2},
        {"type": "SpectralNormalization", "layer": {"type": "Dense", "units": 4}},
    ]
    network = Network.model_validate({"layers": stack})
    written = build_alone(network, (5, 2)).to_json()
    imported = read_keras(written.encode())
    assert json.loads(build_alone(Network.model_validate(imported.network), (5, 2)).to_json()) == json.loads(written)
    for layer, name in ((stack[0], "lstm"), (stack[1], "dense"), (stack[3], "dense_1")):
        layer["layer"] = {"type": layer["layer"]["type"], "name": name} | layer["layer"]
    stack[2] = {"type": "LSTM", "name": "lstm_1", "units": 2}
    assert imported.network == {"layers": stack}


def clear_names():
    """Let Keras make up names as in a process of its own."""
    keras.backend.clear_session(free_memory=False)


def build_alone(network, shape):
    """The network as a process of its own would build it."""
    clear_names()
    return build(network, shape)


def comes_back(network, shape):
    """Import what Keras writes of a network: the same network, of which Keras writes the same again."""
    written = build_alone(network, shape).to_json()
    imported = read_keras(written.encode())
    again = Network.model_validate(imported.network)
    assert (imported.input_shape, imported.left_out) == (shape, ())
    assert json.loads(build_alone(again, shape).to_json()) == json.loads(written)
    return imported


def test_a_functional_chain_has_the_same_layers():
    clear_names()
    door = output = keras.Input((8, 8, 1))
    for layer in (
        keras.layers.Conv2D(2, 3, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Flatten(name="flat"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(3),
    ):
        output = layer(output)
    written = json.loads(keras.Model(door, output).to_json())["config"]["layers"]
    imported = read_keras(keras.Model(door, output).to_json().encode())
    rewritten = json.loads(build_alone(Network.model_validate(imported.network), (8, 8, 1)).to_json())
    only_in_graphs = {"name", "inbound_nodes"}
    assert rewritten["config"]["layers"] == [
        {key: value for key, value in layer.items() if key not in only_in_graphs} for layer in written
    ]


FORGOTTEN: dict[type[Part], set[str]] = {
    layers.Dense: {"lora_alpha"},
    layers.Embedding: {"lora_alpha"},
    layers.GRU: {"use_cudnn"},
    layers.LSTM: {"use_cudnn"},
    **{part: set(names) for part, names in UNWRITTEN.items()},
}
"""Arguments that Keras takes and does not write; `lora_alpha` only where there is no `lora_rank`."""


@pytest.mark.parametrize("part", choices(layers.Layer).values(), ids=lambda part: part.__name__)
def test_every_argument_of_a_layer_comes_back(part):
    tried = [("", plainest(part)), *variants(part)]
    assert untold(tried, comes_back_unbuilt([one for _, one in tried])) == FORGOTTEN.get(part, set())


@pytest.mark.parametrize(
    ("argument", "union"),
    [("kernel_initializer", Initializer), ("kernel_regularizer", Regularizer), ("kernel_constraint", Constraint)],
)
def test_every_part_of_a_layer_comes_back(argument, union):
    for part in choices(union).values():
        tried = [("", plainest(part)), *variants(part)]
        stack = [{"type": "Dense", "units": 3, argument: one} for _, one in tried]
        written = comes_back_unbuilt(Network.model_validate({"layers": stack}).layers)
        assert untold(tried, written) == FORGOTTEN.get(part, set())


def comes_back_unbuilt(stack):
    """What Keras writes of each layer: the same of what is imported. They need not fit, for none of them is built."""
    written = stacked(stack)
    again = Network.model_validate(read_keras(json.dumps(written).encode()).network)
    assert stacked(again.layers) == written
    return [layer["config"] | {"name": ""} for layer in written["config"]["layers"]]


def untold(tried, written):
    """The arguments of which it makes no difference to what Keras writes what they are."""
    said = [
        name for (name, one), config in zip(tried, written, strict=True) if config != written[0] or is_default(one)
    ]
    return {name for name, _ in tried} - {"", *said}


def is_default(part):
    """Whether it says no more than null would."""
    return getattr(part, "data_format", None) == "channels_last"


def stacked(parts):
    clear_names()
    return json.loads(keras.Sequential([made(keras.layers, part) for part in parts]).to_json())


def made(room, part):
    return getattr(room, part.type)(**arguments(part))


TRAINED = [
    ("optimizer", keras.optimizers, Optimizer),
    ("loss", keras.losses, Loss),
    ("metrics", keras.metrics, Metric),
]


@pytest.mark.parametrize(("key", "room", "union"), TRAINED, ids=[key for key, *_ in TRAINED])
def test_every_argument_of_a_training_comes_back(key, room, union):
    parts = [part for part in choices(union).values() if part is not metrics.Accuracy]  # no string is tried here
    for part in parts:
        for name, one in [("", plainest(part)), *variants(part)]:
            if name in OptimizerBase.model_fields and part not in (SGD, Muon):
                continue  # as of those two
            try:
                written = compiled(key, room, one)
            except ValueError:
                continue  # Keras has no such combination
            imported = read_keras(json.dumps(written).encode())
            said = imported.training[key][0] if key == "metrics" else imported.training[key]
            assert compiled(key, room, part.model_validate(said)) == written
            if name in FORGOTTEN.get(part, ()):
                assert any(f'"{name}"' in note.message for note in imported.left_out)


def compiled(key, room, part):
    """What Keras writes of a model that is compiled with this part."""
    clear_names()
    value = made(room, part)
    network = keras.Sequential([keras.layers.Dense(1)])
    network.compile(**{"optimizer": "sgd", "loss": "mse", key: [value] if key == "metrics" else value})
    return json.loads(network.to_json())
