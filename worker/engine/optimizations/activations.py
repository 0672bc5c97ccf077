"""Activations that TensorFlow computes within a loop as it does without one.

TensorFlow's optimizer (Grappler) joins a product, its bias and an activation into one operation of oneDNN's, whose
sigmoid has other bits than TensorFlow's own, where the processor has AVX-512. So bits depend on what is joined.
"""

from typing import Any

import keras
import tensorflow as tf

# Without types, or with some that are not known.
_tf: Any = tf
_activations: Any = keras.activations
_RNN: Any = keras.layers.RNN
_TimeDistributed: Any = keras.layers.TimeDistributed
_Activation: Any = keras.layers.Activation
_EXACT: set[Any] = {getattr(_activations, name) for name in ("linear", "relu", "relu6", "leaky_relu")}
"""Activations that only choose, or multiply once: whoever computes them comes to the same bits."""
_PASSING: tuple[Any, ...] = (keras.layers.Dropout, keras.layers.Identity)
"""Layers that hand on in a test what they are given."""
_NEVER_JOINED: tuple[Any, ...] = (
    keras.layers.Dense,
    keras.layers.BatchNormalization,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
)
"""Layers that begin with what is not joined to a product before them, or is exact."""


def as_without_a_loop(network: Any) -> None:
    """Give a keras.Sequential, not traced yet, activations that come to the bits that `fit` has, within a loop, too.

    Only silu is concerned. TensorFlow's multiplies by a constant 1, of which a control dependency remains in a loop,
    and what has one is not joined. Recurrent layers have a loop of their own, also in `fit`, and keep theirs.
    """
    for outer in network.layers:
        layer = _within(outer)
        if getattr(layer, "activation", None) is _activations.silu and not isinstance(layer, _RNN):
            layer.activation = _silu_alone


def may_be_apart(layers: list[Any], place: int) -> bool:
    """Whether a layer's product may be computed by other operations, of which nothing can be joined with what follows.

    Args:
        layers: a keras.Sequential's.
        place: of a Dense layer among them.

    """
    if layers[place].activation is not _activations.linear:
        return layers[place].activation in _EXACT
    for layer in layers[place + 1 :]:
        if type(layer) not in _PASSING:
            return type(layer) in _NEVER_JOINED or (type(layer) is _Activation and layer.activation in _EXACT)
    return False  # what the loss makes of it is not known


def _within(layer: Any) -> Any:
    """The layer that one distributes over time, or itself."""
    return _within(layer.layer) if isinstance(layer, _TimeDistributed) else layer


@_tf.custom_gradient
def _silu_alone(features: Any) -> Any:
    """What tf.nn.silu computes, forward and back."""

    def gradient(of_outputs: Any) -> Any:
        with _tf.control_dependencies([of_outputs]):
            sigmoid = _tf.sigmoid(features)
        return of_outputs * (sigmoid * (1.0 + features * (1.0 - sigmoid)))

    return features * _tf.sigmoid(features), gradient
