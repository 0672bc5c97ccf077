"""Adam's update of many small weights as that of one vector.

Keras's Adam takes a dozen operations for each of a network's weights. Where these are small, as biases and what
belongs to batch normalization, an operation takes less time than to begin it. Here their gradients are joined to one
vector, Keras's own `update_step` runs on that once, and what it would subtract from the vector is cut up and
subtracted from the weights. iris's network has 22 weights, and its step then 516 operations instead of 830.

The bits are Keras's own, since all that Adam does is done to each element by itself, by sums, products, quotients and
square roots, which IEEE 754 defines to the last bit: it does not matter where in a vector an element lies. Of
reciprocal roots and powers that is not true, so no other optimizer is treated like this.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from worker.engine.optimizations import beside
from worker.engine.optimizations.lean_adam import ADAMS

# Without types, or with some that are not known.
_tf: Any = tf
_keras: Any = keras

_SMALL = 2**14
"""Elements up to which it costs less to join and to cut a weight than to begin operations for it."""
_FEW = 3
"""Of so many weights' operations fewer are left."""


def flatten(network: Any) -> "FlatAdam | None":
    """Have Adam update a network's small weights together; None where it is another's work, or there are too few.

    Args:
        network: compiled, its optimizer built, not traced yet.

    """
    if type(network.optimizer) not in ADAMS:
        return None
    embeddings = [layer for layer in network.layers if isinstance(layer, _keras.layers.Embedding)]
    gathered = {id(weight) for layer in embeddings for weight in layer.weights}  # whose gradients are of a few rows
    weights = beside.weights(network.optimizer)
    small = [at for at, weight in enumerate(weights) if _count(weight) <= _SMALL and id(weight) not in gathered]
    return FlatAdam(network.optimizer, small) if len(small) >= _FEW else None


class FlatAdam:
    """Updates the weights at some places of an optimizer's together; the optimizer itself updates the others.

    What Adam remembers is in the vectors from `take_over` on, and where Keras has it again after `hand_back`.

    Args:
        optimizer: a keras.optimizers.Adam or AdamW, built, whose `apply` then comes here.
        places: of the weights among its trainable variables.

    """

    def __init__(self, optimizer: Any, places: Sequence[int]) -> None:
        self._optimizer = optimizer
        self._places = list(places)
        self._weights = [beside.weights(optimizer)[place] for place in places]
        self._counts = [_count(weight) for weight in self._weights]
        self._others = optimizer._backend_update_step  # noqa: SLF001  # Keras's seam between clipping and averaging
        self._vector = keras.Variable(_tf.zeros(sum(self._counts)))
        self._adam = _Adam(optimizer, self._vector)
        optimizer._backend_update_step = self._update  # noqa: SLF001

    def take_over(self) -> None:
        """Join to vectors what Adam remembers, before steps are taken."""
        for vector, slots in self._slots():
            vector.assign(self._joined([slot.value for slot in slots]))

    def hand_back(self) -> None:
        """Put what Adam remembers where Keras has it; the vectors stay as they are."""
        for vector, slots in self._slots():
            for slot, part in zip(slots, self._cut(vector.value), strict=True):
                slot.assign(part)

    def _slots(self) -> list[tuple[Any, list[Any]]]:
        """Vectors, each with the variables of Keras's whose content is joined in it."""
        remembered = self._adam.remembered()
        return [(vectors[0], [slots[place] for place in self._places]) for vectors, slots in remembered]

    def _update(self, gradients: Sequence[Any], weights: Sequence[Any], learning_rate: Any) -> None:
        given = {id(weight): gradient for gradient, weight in zip(gradients, weights, strict=True)}
        here = {id(weight) for weight in self._weights}
        others = [weight for weight in weights if id(weight) not in here]
        if others:
            self._others([given[id(weight)] for weight in others], others, learning_rate)
        # Keras leaves out the weights on which the loss does not depend.
        joined = [given.get(id(weight), _tf.zeros(weight.shape)) for weight in self._weights]
        change = self._adam.change(self._joined(joined), learning_rate)
        for weight, part in zip(self._weights, self._cut(change), strict=True):
            if id(weight) in given:
                self._optimizer.assign_sub(weight, part)

    def _joined(self, tensors: Sequence[Any]) -> Any:
        return _tf.concat([_reshaped(tensor, [-1]) for tensor in tensors], 0)

    def _cut(self, vector: Any) -> list[Any]:
        parts = _tf.split(vector, self._counts)
        return [_reshaped(part, weight.shape) for part, weight in zip(parts, self._weights, strict=True)]


class _Adam(beside.Adam):
    """Keras's Adam over one vector, which tells what it would subtract."""

    def __init__(self, other: Any, vector: Any) -> None:
        super().__init__(other, [vector])
        self._change: Any = None
        self._vector = vector

    def change(self, gradient: Any, learning_rate: Any) -> Any:
        """Update what is remembered by a gradient, and return what is to be subtracted from the weights."""
        self.update_step(gradient, self._vector, learning_rate)
        return self._change

    def assign_sub(self, variable: Any, value: Any) -> None:
        """Take note of a value that is to be subtracted: Adam subtracts from nothing but the weights."""
        del variable
        self._change = value


def _reshaped(tensor: Any, shape: Any) -> Any:
    """A tensor of another shape; what is to be a vector, and is one, is left as it is: an operation less."""
    return tensor if len(shape) == 1 == len(tensor.shape) else _tf.reshape(tensor, shape)


def _count(weight: Any) -> int:
    return weight.value.shape.num_elements()
