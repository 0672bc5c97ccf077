"""Dropout in one pass, with masks that are drawn one step ahead.

Keras draws a mask when it reaches the layer, and the step waits for it. A mask depends only on its seed, and its seed
only on the number of masks drawn before. So the masks of the next step are drawn during the current one, on another
core if one is free. Results are bit-identical.

A mask has the factor for each input, which is 0 for dropped ones. Keras multiplies and then selects, and TensorFlow
is slow to select between a matrix and a zero. Here a single product does both, forward and backward.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

# Untyped, or partly so.
_tf: Any = tf
_Dropout: Any = keras.layers.Dropout

Seeds = tuple[Any, ...]
"""State of each layer's seed generator: int64 of shape (2,)."""
Masks = tuple[Any, ...]
"""Factors for each layer's inputs, of the same shape: 0 for dropped inputs, one common number for the others."""


class DropoutLayers:
    """The Dropout layers of a network whose masks can be drawn ahead.

    Args:
        network: a built keras.Sequential.

    """

    def __init__(self, network: Any) -> None:
        self._layers = [layer for layer in network.layers if _can_draw_ahead(layer)]
        self.signature = tuple(_tf.TensorSpec(layer.input.shape, layer.compute_dtype) for layer in self._layers)

    def read_seeds(self) -> Seeds:
        """Return the seeds of the layers' next masks."""
        return tuple(_tf.identity(layer.seed_generator.state.value) for layer in self._layers)

    def advance_seeds(self, seeds: Seeds) -> Seeds:
        """Return the seeds of the masks one step later."""
        return tuple(_tf.add(seed, [0, 1]) for seed in seeds)  # as in `SeedGenerator.next`

    def draw_masks(self, seeds: Seeds, rows: Any) -> Masks:
        """Draw the masks of a step with this number of rows."""
        return tuple(_draw_mask(layer, seed, rows) for layer, seed in zip(self._layers, seeds, strict=True))

    @contextmanager
    def use_masks(self, masks: Sequence[Any]) -> Generator[None]:
        """Have the layers use these masks within the block; their seed generators still advance."""
        for layer, mask in zip(self._layers, masks, strict=True):
            layer.call = _build_call(layer, mask)
        try:
            yield
        finally:
            for layer in self._layers:
                del layer.call


def _can_draw_ahead(layer: Any) -> bool:
    """Return whether a layer draws a number for each input, and only its number of rows is not static."""
    is_plain = type(layer) is _Dropout and layer.noise_shape is None and None not in layer.input.shape[1:]
    return is_plain and 0 < layer.rate < 1


def _draw_mask(layer: Any, seed: Any, rows: Any) -> Any:
    """Draw the mask of keras.src.backend.tensorflow.random.dropout, with its factor."""
    seed = _tf.cast(_tf.math.floormod(seed, _tf.int32.max - 1), "int32")
    shape = (rows, *layer.input.shape[1:])
    is_retained = _tf.random.stateless_uniform(shape, seed, dtype=layer.compute_dtype) >= layer.rate
    return _tf.cast(is_retained, layer.compute_dtype) * (1 / (1 - layer.rate))


def _build_call(layer: Any, mask: Any) -> Callable[..., Any]:
    def call(inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        layer.seed_generator.next()
        return _apply_mask(inputs, mask)

    return call


@_tf.custom_gradient
def _apply_mask(inputs: Any, mask: Any) -> Any:
    """Multiply the inputs by the mask, where zero times any value is zero as in Keras; with its gradient."""

    def gradients(output_gradient: Any) -> tuple[Any, None]:
        return _tf.math.multiply_no_nan(output_gradient, mask), None

    return _tf.math.multiply_no_nan(inputs, mask), gradients
