"""A silu that has the same bits inside and outside of a loop.

TensorFlow's graph optimizer fuses a product, its bias and a silu into one oneDNN operation. On processors with AVX-512
that operation has other bits than TensorFlow's own. TensorFlow's silu multiplies by a constant 1. In a loop, the
constant leaves a control dependency, which prevents the fusion. Other activations have no such constant.
"""

from typing import Any

import keras
import tensorflow as tf

# Untyped, or partly so.
_tf: Any = tf
_activations: Any = keras.activations
_RNN: Any = keras.layers.RNN
_TimeDistributed: Any = keras.layers.TimeDistributed


def replace_silu(network: Any) -> None:
    """Give the layers of an untraced keras.Sequential a silu without the constant, instead of TensorFlow's.

    Recurrent layers run a loop in `fit`, too, and keep their activations.
    """
    for outer_layer in network.layers:
        layer = _unwrap_layer(outer_layer)
        if getattr(layer, "activation", None) is _activations.silu and not isinstance(layer, _RNN):
            layer.activation = _compute_silu


def _unwrap_layer(layer: Any) -> Any:
    """Return the layer in a TimeDistributed layer, or the layer itself."""
    return _unwrap_layer(layer.layer) if isinstance(layer, _TimeDistributed) else layer


@_tf.custom_gradient
def _compute_silu(features: Any) -> Any:
    """Compute tf.nn.silu and its gradient."""

    def compute_gradient(output_gradient: Any) -> Any:
        with _tf.control_dependencies([output_gradient]):
            sigmoid = _tf.sigmoid(features)
        return output_gradient * (sigmoid * (1.0 + features * (1.0 - sigmoid)))

    return features * _tf.sigmoid(features), compute_gradient
