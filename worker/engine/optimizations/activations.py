"""Activations that have the same bits inside and outside of a loop.

TensorFlow's optimizer (Grappler) fuses a product, its bias and an activation into one oneDNN operation. On processors
with AVX-512, the sigmoid of oneDNN has other bits than TensorFlow's own. So bits depend on what is fused.
"""

from typing import Any

import keras
import tensorflow as tf

# Untyped, or partly so.
_tf: Any = tf
_activations: Any = keras.activations
_RNN: Any = keras.layers.RNN
_TimeDistributed: Any = keras.layers.TimeDistributed
_Activation: Any = keras.layers.Activation
_EXACT: set[Any] = {getattr(_activations, name) for name in ("linear", "relu", "relu6", "leaky_relu")}
"""Activations that only select, or multiply once: every implementation computes the same bits."""
_IDENTITIES: tuple[Any, ...] = (keras.layers.Dropout, keras.layers.Identity)
"""Layers that return their inputs in an evaluation."""
_NEVER_FUSED: tuple[Any, ...] = (
    keras.layers.Dense,
    keras.layers.BatchNormalization,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
)
"""Layers whose first operation is exact, or is not fused with a product before it."""


def replace_activations(network: Any) -> None:
    """Replace activations of an untraced keras.Sequential by ones that have the bits of `fit` inside a loop, too.

    Only silu needs it. TensorFlow's silu multiplies by a constant 1. In a loop, the constant leaves a control
    dependency, which prevents the fusion. Recurrent layers run a loop in `fit`, too, and keep their activations.
    """
    for outer_layer in network.layers:
        layer = _unwrap_layer(outer_layer)
        if getattr(layer, "activation", None) is _activations.silu and not isinstance(layer, _RNN):
            layer.activation = _silu


def can_be_unfused(layers: list[Any], index: int) -> bool:
    """Return whether a layer's product may be computed by operations that are not fused with the following ones.

    Args:
        layers: of a keras.Sequential.
        index: index of a Dense layer among them.

    """
    if layers[index].activation is not _activations.linear:
        return layers[index].activation in _EXACT
    for layer in layers[index + 1 :]:
        if type(layer) not in _IDENTITIES:
            return type(layer) in _NEVER_FUSED or (type(layer) is _Activation and layer.activation in _EXACT)
    return False  # the loss may be fused with it


def _unwrap_layer(layer: Any) -> Any:
    """Return the layer in a TimeDistributed layer, or the layer itself."""
    return _unwrap_layer(layer.layer) if isinstance(layer, _TimeDistributed) else layer


@_tf.custom_gradient
def _silu(features: Any) -> Any:
    """Compute tf.nn.silu and its gradient."""

    def gradient(output_gradient: Any) -> Any:
        with _tf.control_dependencies([output_gradient]):
            sigmoid = _tf.sigmoid(features)
        return output_gradient * (sigmoid * (1.0 + features * (1.0 - sigmoid)))

    return features * _tf.sigmoid(features), gradient
