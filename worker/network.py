"""From a spec's layers to Keras's: by tables of classes, so that nothing of a spec reaches a Keras deserialiser."""

from collections.abc import Mapping
from typing import Any, get_args

import keras

from stackyard.spec import Layer, Network, Part, constraints, initializers, layers, regularizers
from stackyard.spec.activations import Activation

_ACTIVATIONS: Mapping[str, Any] = {name: getattr(keras.activations, name) for name in get_args(Activation)}

_CLASSES: Mapping[type[Part], Any] = {
    layers.Dense: keras.layers.Dense,
    layers.Activation: keras.layers.Activation,
    layers.ReLU: keras.layers.ReLU,
    layers.LeakyReLU: keras.layers.LeakyReLU,
    layers.PReLU: keras.layers.PReLU,
    layers.ELU: keras.layers.ELU,
    layers.Softmax: keras.layers.Softmax,
    layers.Dropout: keras.layers.Dropout,
    layers.BatchNormalization: keras.layers.BatchNormalization,
    layers.LayerNormalization: keras.layers.LayerNormalization,
    layers.Flatten: keras.layers.Flatten,
    initializers.Zeros: keras.initializers.Zeros,
    initializers.Ones: keras.initializers.Ones,
    initializers.Constant: keras.initializers.Constant,
    initializers.Identity: keras.initializers.Identity,
    initializers.RandomNormal: keras.initializers.RandomNormal,
    initializers.RandomUniform: keras.initializers.RandomUniform,
    initializers.TruncatedNormal: keras.initializers.TruncatedNormal,
    initializers.VarianceScaling: keras.initializers.VarianceScaling,
    initializers.GlorotNormal: keras.initializers.GlorotNormal,
    initializers.GlorotUniform: keras.initializers.GlorotUniform,
    initializers.HeNormal: keras.initializers.HeNormal,
    initializers.HeUniform: keras.initializers.HeUniform,
    initializers.LecunNormal: keras.initializers.LecunNormal,
    initializers.LecunUniform: keras.initializers.LecunUniform,
    initializers.Orthogonal: keras.initializers.Orthogonal,
    regularizers.L1: keras.regularizers.L1,
    regularizers.L2: keras.regularizers.L2,
    regularizers.L1L2: keras.regularizers.L1L2,
    regularizers.OrthogonalRegularizer: keras.regularizers.OrthogonalRegularizer,
    constraints.MaxNorm: keras.constraints.MaxNorm,
    constraints.MinMaxNorm: keras.constraints.MinMaxNorm,
    constraints.NonNeg: keras.constraints.NonNeg,
    constraints.UnitNorm: keras.constraints.UnitNorm,
}


def build(network: Network, input_shape: tuple[int, ...]) -> keras.Sequential:
    """Build a spec's network, its weights drawn as a Keras script with the same layers would draw them.

    Args:
        network: found right by `stackyard.spec.check`.
        input_shape: of one row.

    Returns:
        The network, not compiled.

    """
    stack = [_layer(layer) for layer in network.layers]
    return keras.Sequential([keras.layers.InputLayer(input_shape), *stack])


def arguments(part: Part) -> dict[str, Any]:
    """Return a part's arguments for the Keras class of the same name; a `name` of null is left to Keras."""
    given = {name: getattr(part, name) for name in type(part).model_fields if name != "type"}
    return {name: _value(value) for name, value in given.items() if (name, value) != ("name", None)}


def _layer(layer: Layer) -> keras.Layer:
    # Arguments are made in the order of Keras's signature: a random initializer draws its seed when it is made.
    given = arguments(layer)
    if "activation" in given:
        given["activation"] = _ACTIVATIONS.get(given["activation"])
    return _CLASSES[type(layer)](**given)


def _value(value: object) -> Any:
    match value:
        case layers.RenormClipping():
            return {name: bound for name, bound in value if bound is not None}
        case Part():
            return _CLASSES[type(value)](**arguments(value))
        case tuple():
            return list(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # of any part
        case _:
            return value
