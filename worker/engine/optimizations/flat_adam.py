"""Update many small weights with Adam as one vector.

Keras's Adam takes a dozen operations for each weight. For small weights, such as biases and those of batch
normalization, the overhead of an operation is larger than its work. Here their gradients are concatenated to one
vector, and Keras's own `update_step` runs once on the vector. Its result is split and subtracted from the weights.

Results are bit-identical to Keras's. Adam updates each element independently by sums, products, quotients and square
roots, whose results IEEE 754 defines exactly, wherever in a vector the element is. Reciprocal roots and powers are not
defined exactly, so other optimizers are not changed.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from worker.engine.optimizations import companion_optimizers
from worker.engine.optimizations.lean_adam import ADAMS

# Untyped, or partly so.
_tf: Any = tf
_keras: Any = keras

_MAX_ELEMENTS = 2**14
"""Size of a weight up to which concatenating and splitting is cheaper than operations of its own."""
_MIN_WEIGHTS = 3
"""Number of weights from which on fewer operations remain."""


def flatten_adam(network: Any) -> "FlatAdam | None":
    """Update a network's small weights together; return None for other optimizers, or if there are too few weights.

    Args:
        network: compiled, with a built optimizer, and untraced.

    """
    if type(network.optimizer) not in ADAMS:
        return None
    embeddings = [layer for layer in network.layers if isinstance(layer, _keras.layers.Embedding)]
    # Their gradients are sparse.
    embedding_weights = {id(weight) for layer in embeddings for weight in layer.weights}
    weights = companion_optimizers.list_weights(network.optimizer)
    small = [
        index
        for index, weight in enumerate(weights)
        if _count_elements(weight) <= _MAX_ELEMENTS and id(weight) not in embedding_weights
    ]
    return FlatAdam(network.optimizer, small) if len(small) >= _MIN_WEIGHTS else None


class FlatAdam:
    """Updates some of an optimizer's weights together; the optimizer itself updates the others.

    After `load_state`, Adam's slots are in vectors; after `store_state`, they are also in Keras's variables.

    Args:
        optimizer: a built keras.optimizers.Adam or AdamW, whose `apply` then calls this object.
        indices: indices of the weights among its trainable variables.

    """

    def __init__(self, optimizer: Any, indices: Sequence[int]) -> None:
        self._optimizer = optimizer
        self._indices = list(indices)
        self._weights = [companion_optimizers.list_weights(optimizer)[index] for index in indices]
        self._sizes = [_count_elements(weight) for weight in self._weights]
        self._update_others = optimizer._backend_update_step  # noqa: SLF001  # Keras calls it between clipping and averaging
        self._vector = keras.Variable(_tf.zeros(sum(self._sizes)))
        self._adam = _VectorAdam(optimizer, self._vector)
        optimizer._backend_update_step = self._update_weights  # noqa: SLF001

    def load_state(self) -> None:
        """Load Adam's slots into the vectors, before steps are taken."""
        for vector, slots in self._pair_slots():
            vector.assign(self._concatenate([slot.value for slot in slots]))

    def store_state(self) -> None:
        """Store the vectors in Adam's slots."""
        for vector, slots in self._pair_slots():
            for slot, piece in zip(slots, self._split(vector.value), strict=True):
                slot.assign(piece)

    def _pair_slots(self) -> list[tuple[Any, list[Any]]]:
        """Return the vectors, each with the Keras variables that it replaces."""
        pairs = self._adam.pair_slots()
        return [(vectors[0], [slots[index] for index in self._indices]) for vectors, slots in pairs]

    def _update_weights(self, gradients: Sequence[Any], weights: Sequence[Any], learning_rate: Any) -> None:
        gradient_by_weight = {id(weight): gradient for gradient, weight in zip(gradients, weights, strict=True)}
        own_weights = {id(weight) for weight in self._weights}
        others = [weight for weight in weights if id(weight) not in own_weights]
        if others:
            self._update_others([gradient_by_weight[id(weight)] for weight in others], others, learning_rate)
        # Keras leaves out the weights on which the loss does not depend.
        own_gradients = [gradient_by_weight.get(id(weight), _tf.zeros(weight.shape)) for weight in self._weights]
        change = self._adam.compute_change(self._concatenate(own_gradients), learning_rate)
        for weight, piece in zip(self._weights, self._split(change), strict=True):
            if id(weight) in gradient_by_weight:
                self._optimizer.assign_sub(weight, piece)

    def _concatenate(self, tensors: Sequence[Any]) -> Any:
        return _tf.concat([_reshape_tensor(tensor, [-1]) for tensor in tensors], 0)

    def _split(self, vector: Any) -> list[Any]:
        pieces = _tf.split(vector, self._sizes)
        return [_reshape_tensor(piece, weight.shape) for piece, weight in zip(pieces, self._weights, strict=True)]


class _VectorAdam(companion_optimizers.CompanionAdam):
    """Keras's Adam over one vector, which records the change instead of applying it."""

    def __init__(self, other: Any, vector: Any) -> None:
        super().__init__(other, [vector])
        self._change: Any = None
        self._vector = vector

    def compute_change(self, gradient: Any, learning_rate: Any) -> Any:
        """Update the slots with a gradient, and return the values to subtract from the weights."""
        self.update_step(gradient, self._vector, learning_rate)
        return self._change

    def assign_sub(self, variable: Any, value: Any) -> None:
        """Record the values to subtract: Adam uses this method for the weights only."""
        del variable
        self._change = value


def _reshape_tensor(tensor: Any, shape: Any) -> Any:
    """Reshape a tensor, without an operation if it is a vector and stays one."""
    return tensor if len(shape) == 1 == len(tensor.shape) else _tf.reshape(tensor, shape)


def _count_elements(weight: Any) -> int:
    return weight.value.shape.num_elements()
