"""Split a Dense layer's kernel into two halves of its columns, if a core is free for the second half.

The critical path of a step goes through the products of a large kernel and its update. Each half has its own outputs,
gradient and update, and both halves are computed in parallel during the whole step.

The halves are variables of their own. `store_state` writes them back to the network's kernels and to the optimizer's
slots; `store_weights` writes only the kernels, which is enough for an evaluation.

Results are bit-identical to Keras's. An update treats each element independently (see `flat_adam` and `lean_adam`).
Whether a product has the same bits is tested, as for the other product variants.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from worker.engine import training_state
from worker.engine.optimizations import companion_optimizers
from worker.engine.optimizations.lean_adam import use_lean_update
from worker.engine.optimizations.product_variants import split_width

# Untyped, or partly so.
_tf: Any = tf
_keras: Any = keras

_COMPANIONS: dict[Any, Any] = {
    keras.optimizers.Adam: companion_optimizers.CompanionAdam,
    keras.optimizers.SGD: companion_optimizers.CompanionSGD,
}
"""Optimizers that can update halves, with their companions."""
_ARGUMENTS_ON_WHOLE_TENSORS = (
    "clipnorm",
    "clipvalue",
    "global_clipnorm",
    "weight_decay",
    "gradient_accumulation_steps",
    "loss_scale_factor",
)
"""Arguments with which an optimizer uses whole gradients or weights before or after the update; None if unused."""


def can_update_halves(optimizer: Any) -> bool:
    """Return whether an optimizer only updates weights, and updates each element independently."""
    is_elementwise = all(getattr(optimizer, name) is None for name in _ARGUMENTS_ON_WHOLE_TENSORS)
    return type(optimizer) in _COMPANIONS and is_elementwise and not optimizer.use_ema


def can_split_kernel(layer: Any) -> bool:
    """Return whether only a Dense layer and the optimizer use the layer's kernel during a step."""
    return layer.trainable and layer.kernel_regularizer is None and layer.kernel_constraint is None


class SplitKernel:
    """A layer's kernel and its halves.

    Args:
        whole: the Keras variable, of shape (inputs, units).

    """

    def __init__(self, whole: Any) -> None:
        inputs, units = whole.shape
        self.whole = whole
        self.halves = [_keras.Variable(_tf.zeros((inputs, width))) for width in split_width(units)]
        self.gradients: list[Any] = []
        """Gradients of the halves; set while a step is traced, since Keras knows only the gradient of the whole."""

    def read_halves(self) -> list[Any]:
        """Return the values of the halves."""
        return [half.value.read_value() for half in self.halves]


class SplitKernels:
    """The split kernels of some layers.

    Args:
        network: compiled, untraced, with a built optimizer that supports it (`can_update_halves`).
        layers: of the network, all of which support it (`can_split_kernel`).

    """

    def __init__(self, network: Any, layers: Sequence[Any]) -> None:
        optimizer = network.optimizer
        self._kernels = [SplitKernel(layer.kernel) for layer in layers]
        indices = {id(weight): index for index, weight in enumerate(companion_optimizers.list_weights(optimizer))}
        self._indices = [indices[id(kernel.whole)] for kernel in self._kernels]
        halves = [half for kernel in self._kernels for half in kernel.halves]
        self._companion = _COMPANIONS[type(optimizer)](optimizer, halves)
        use_lean_update(self._companion)
        self._update_others = optimizer._backend_update_step  # noqa: SLF001  # Keras calls it between clipping and averaging
        optimizer._backend_update_step = self._update_weights  # noqa: SLF001

    def find_kernel(self, layer: Any) -> SplitKernel | None:
        """Return a layer's kernel if it is split."""
        return next((kernel for kernel in self._kernels if kernel.whole is layer.kernel), None)

    def load_state(self) -> None:
        """Load the halves from the kernels and slots, before steps are taken."""
        for whole, halves in self._pair_variables():
            for half, value in zip(halves, _tf.split(whole.value, split_width(whole.shape[1]), axis=1), strict=True):
                half.assign(value)

    def store_state(self) -> None:
        """Store the halves in the kernels and slots."""
        for whole, halves in self._pair_variables():
            _concatenate_halves(halves, whole)

    def store_weights(self) -> None:
        """Store the halves in the kernels only; works in a graph, too."""
        for kernel in self._kernels:
            _concatenate_halves(kernel.halves, kernel.whole)

    @property
    def nbytes(self) -> int:
        """Size of the halves and their slots in bytes."""
        return training_state.measure_variables(half for _, halves in self._pair_variables() for half in halves)

    def _pair_variables(self) -> list[tuple[Any, list[Any]]]:
        """Return the kernels and slots, each with its halves."""
        pairs = [(kernel.whole, kernel.halves) for kernel in self._kernels]
        for half_slots, slots in self._companion.pair_slots():
            pairs += [(slots[index], half_slots[2 * at : 2 * at + 2]) for at, index in enumerate(self._indices)]
        return pairs

    def _update_weights(self, gradients: Sequence[Any], weights: Sequence[Any], learning_rate: Any) -> None:
        kernels = {id(kernel.whole): kernel for kernel in self._kernels}
        others = [pair for pair in zip(gradients, weights, strict=True) if id(pair[1]) not in kernels]
        if others:
            self._update_others(*zip(*others, strict=True), learning_rate)
        for weight in weights:  # Keras leaves out those on which the loss does not depend
            if kernel := kernels.get(id(weight)):
                for half, gradient in zip(kernel.halves, kernel.gradients, strict=True):
                    self._companion.update_step(gradient, half, learning_rate)


def _concatenate_halves(halves: list[Any], whole: Any) -> None:
    whole.assign(_tf.concat([half.value for half in halves], 1))
