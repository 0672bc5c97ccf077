"""Build Keras layers from a spec's layers. Tables of classes do it, so that no spec reaches a Keras deserializer."""

from collections.abc import Mapping
from typing import Any, get_args

import keras

from stackyard.spec import Network, SpecModel, layers
from stackyard.spec.network import constraints, initializers, regularizers
from stackyard.spec.network.activations import Activation
from stackyard.spec.training import schedules
from worker.keras_build.hyperparameters import Hyperparameter

_ACTIVATIONS: Mapping[str, Any] = {name: getattr(keras.activations, name) for name in get_args(Activation)}

_INITIALIZERS: tuple[type[SpecModel], ...] = get_args(get_args(initializers.Initializer)[0])

_KERAS_CLASSES: Mapping[type[SpecModel], Any] = {
    layers.Activation: keras.layers.Activation,
    layers.Dense: keras.layers.Dense,
    layers.Embedding: keras.layers.Embedding,
    layers.Identity: keras.layers.Identity,
    layers.Masking: keras.layers.Masking,
    layers.ELU: keras.layers.ELU,
    layers.LeakyReLU: keras.layers.LeakyReLU,
    layers.PReLU: keras.layers.PReLU,
    layers.ReLU: keras.layers.ReLU,
    layers.Softmax: keras.layers.Softmax,
    layers.ActivityRegularization: keras.layers.ActivityRegularization,
    layers.AlphaDropout: keras.layers.AlphaDropout,
    layers.Dropout: keras.layers.Dropout,
    layers.GaussianDropout: keras.layers.GaussianDropout,
    layers.GaussianNoise: keras.layers.GaussianNoise,
    layers.SpatialDropout1D: keras.layers.SpatialDropout1D,
    layers.SpatialDropout2D: keras.layers.SpatialDropout2D,
    layers.SpatialDropout3D: keras.layers.SpatialDropout3D,
    layers.BatchNormalization: keras.layers.BatchNormalization,
    layers.GroupNormalization: keras.layers.GroupNormalization,
    layers.LayerNormalization: keras.layers.LayerNormalization,
    layers.RMSNormalization: keras.layers.RMSNormalization,
    layers.UnitNormalization: keras.layers.UnitNormalization,
    layers.Normalization: keras.layers.Normalization,
    layers.Rescaling: keras.layers.Rescaling,
    layers.Cropping1D: keras.layers.Cropping1D,
    layers.Cropping2D: keras.layers.Cropping2D,
    layers.Cropping3D: keras.layers.Cropping3D,
    layers.Flatten: keras.layers.Flatten,
    layers.Permute: keras.layers.Permute,
    layers.RepeatVector: keras.layers.RepeatVector,
    layers.Reshape: keras.layers.Reshape,
    layers.UpSampling1D: keras.layers.UpSampling1D,
    layers.UpSampling2D: keras.layers.UpSampling2D,
    layers.UpSampling3D: keras.layers.UpSampling3D,
    layers.ZeroPadding1D: keras.layers.ZeroPadding1D,
    layers.ZeroPadding2D: keras.layers.ZeroPadding2D,
    layers.ZeroPadding3D: keras.layers.ZeroPadding3D,
    layers.Conv1D: keras.layers.Conv1D,
    layers.Conv1DTranspose: keras.layers.Conv1DTranspose,
    layers.Conv2D: keras.layers.Conv2D,
    layers.Conv2DTranspose: keras.layers.Conv2DTranspose,
    layers.Conv3D: keras.layers.Conv3D,
    layers.Conv3DTranspose: keras.layers.Conv3DTranspose,
    layers.DepthwiseConv1D: keras.layers.DepthwiseConv1D,
    layers.DepthwiseConv2D: keras.layers.DepthwiseConv2D,
    layers.SeparableConv1D: keras.layers.SeparableConv1D,
    layers.SeparableConv2D: keras.layers.SeparableConv2D,
    layers.AdaptiveAveragePooling1D: keras.layers.AdaptiveAveragePooling1D,
    layers.AdaptiveAveragePooling2D: keras.layers.AdaptiveAveragePooling2D,
    layers.AdaptiveAveragePooling3D: keras.layers.AdaptiveAveragePooling3D,
    layers.AdaptiveMaxPooling1D: keras.layers.AdaptiveMaxPooling1D,
    layers.AdaptiveMaxPooling2D: keras.layers.AdaptiveMaxPooling2D,
    layers.AdaptiveMaxPooling3D: keras.layers.AdaptiveMaxPooling3D,
    layers.AveragePooling1D: keras.layers.AveragePooling1D,
    layers.AveragePooling2D: keras.layers.AveragePooling2D,
    layers.AveragePooling3D: keras.layers.AveragePooling3D,
    layers.MaxPooling1D: keras.layers.MaxPooling1D,
    layers.MaxPooling2D: keras.layers.MaxPooling2D,
    layers.MaxPooling3D: keras.layers.MaxPooling3D,
    layers.GlobalAveragePooling1D: keras.layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D: keras.layers.GlobalAveragePooling2D,
    layers.GlobalAveragePooling3D: keras.layers.GlobalAveragePooling3D,
    layers.GlobalMaxPooling1D: keras.layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D: keras.layers.GlobalMaxPooling2D,
    layers.GlobalMaxPooling3D: keras.layers.GlobalMaxPooling3D,
    layers.GRU: keras.layers.GRU,
    layers.LSTM: keras.layers.LSTM,
    layers.SimpleRNN: keras.layers.SimpleRNN,
    layers.Bidirectional: keras.layers.Bidirectional,
    layers.SpectralNormalization: keras.layers.SpectralNormalization,
    layers.TimeDistributed: keras.layers.TimeDistributed,
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
    schedules.CosineDecay: keras.optimizers.schedules.CosineDecay,
    schedules.CosineDecayRestarts: keras.optimizers.schedules.CosineDecayRestarts,
    schedules.ExponentialDecay: keras.optimizers.schedules.ExponentialDecay,
    schedules.InverseTimeDecay: keras.optimizers.schedules.InverseTimeDecay,
    schedules.PiecewiseConstantDecay: keras.optimizers.schedules.PiecewiseConstantDecay,
    schedules.PolynomialDecay: keras.optimizers.schedules.PolynomialDecay,
}


_PLAIN_FLOAT_ARGUMENTS: Mapping[type[SpecModel], tuple[str, ...]] = {
    layers.BatchNormalization: ("momentum", "epsilon"),
    regularizers.L1: ("l1",),
    regularizers.L2: ("l2",),
    regularizers.L1L2: ("l1", "l2"),
}
"""Arguments that the Keras constructor converts to plain floats and stores in attributes of the same names only."""


def build_network(network: Network, input_shape: tuple[int, ...]) -> keras.Sequential:
    """Build a spec's network; its initial weights equal those of a Keras script with the same layers.

    Args:
        network: of a spec that `stackyard.spec.check` accepted.
        input_shape: the shape of one row.

    Returns:
        The network, not compiled.

    """
    stack = [_convert_value(layer) for layer in network.layers]
    return keras.Sequential([keras.layers.InputLayer(input_shape), *stack])


def build_keras_object(keras_class: Any, definition: SpecModel) -> Any:
    """Build the Keras object for a definition of a spec.

    Some Keras constructors convert their numbers to plain floats. This puts hyperparameters back into the attributes.
    """
    keyword_arguments = get_keras_arguments(definition)
    keras_object = keras_class(**keyword_arguments)
    for name in _PLAIN_FLOAT_ARGUMENTS.get(type(definition), ()):
        if isinstance(keyword_arguments[name], Hyperparameter):
            setattr(keras_object, name, keyword_arguments[name].mark_as_stored())
    return keras_object


def get_keras_arguments(definition: SpecModel) -> dict[str, Any]:
    """Return a definition's arguments for the Keras class of the same name; Keras chooses a `name` that is null."""
    # In the order of Keras's signature, because a random initializer draws its seed when it is constructed.
    values = {name: getattr(definition, name) for name in type(definition).model_fields if name != "type"}
    return {name: _convert_argument(name, value) for name, value in values.items() if (name, value) != ("name", None)}


def _convert_argument(name: str, value: object) -> Any:
    if name in ("activation", "recurrent_activation"):
        return None if value is None else _ACTIVATIONS[str(value)]
    return _convert_value(value)


def _convert_value(value: object) -> Any:
    match value:
        case layers.RenormClipping():
            return {name: bound for name, bound in value if bound is not None}
        case SpecModel() if isinstance(value, _INITIALIZERS) and value == type(value)():
            # Keras constructs a class when it would construct the initializer of a string. SimpleRNN draws a seed
            # before that, so an instance that is made here would get another seed.
            return _KERAS_CLASSES[type(value)]
        case SpecModel():
            return build_keras_object(_KERAS_CLASSES[type(value)], value)
        case tuple():
            return list(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # of any type
        case _:
            return value
