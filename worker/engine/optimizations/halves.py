"""A Dense layer's kernel as two, of half its columns each, where a core is free for the second.

A step's longest way is through the products of a large kernel and through its update, which is several passes over
it. Each half has outputs, a gradient and an update of its own, and those of both go on beside each other, from the
step's begin to its end. An epoch of MNIST takes 0.64 s instead of 0.69.

The halves are variables of their own. A network's kernels, and what its optimizer remembers of them, are right again
after `hand_back`; the kernels alone after `make_whole`, which is what a test needs.

The bits are Keras's own. An update does to each element the same, wherever it lies (see flat_adam.py, lean_adam.py).
Whether a product has the same bits is tried, as for the other ways to one (see ways.py).
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from worker.engine import training_state
from worker.engine.optimizations import beside
from worker.engine.optimizations.lean_adam import lighten
from worker.engine.optimizations.ways import widths

# Without types, or with some that are not known.
_tf: Any = tf
_keras: Any = keras

_BESIDE: dict[Any, Any] = {keras.optimizers.Adam: beside.Adam, keras.optimizers.SGD: beside.SGD}
"""Optimizers that know how to update a half; the others leave kernels whole."""
_WHOLE = (
    "clipnorm",
    "clipvalue",
    "global_clipnorm",
    "weight_decay",
    "gradient_accumulation_steps",
    "loss_scale_factor",
)
"""Arguments with which an optimizer looks at whole gradients or weights before or after the update; None without."""


def may_halve(optimizer: Any) -> bool:
    """Whether an optimizer does nothing to a weight but its update, and that to each element by itself."""
    plain = all(getattr(optimizer, name) is None for name in _WHOLE)
    return type(optimizer) in _BESIDE and plain and not optimizer.use_ema


def may_be_halved(layer: Any) -> bool:
    """Whether nobody but a Dense layer and the optimizer reads or writes its kernel during a step."""
    return layer.trainable and layer.kernel_regularizer is None and layer.kernel_constraint is None


class Kernel:
    """A layer's kernel and its halves.

    Args:
        whole: Keras's variable, of shape (inputs, units).

    """

    def __init__(self, whole: Any) -> None:
        inputs, units = whole.shape
        self.whole = whole
        self.halves = [_keras.Variable(_tf.zeros((inputs, width))) for width in widths(units)]
        self.gradients: list[Any] = []
        """Of the halves; handed over here, while a step is traced, since Keras knows of none but the whole's."""

    def tensors(self) -> list[Any]:
        """Return the halves' content."""
        return [half.value.read_value() for half in self.halves]


class Halves:
    """The kernels of some layers in halves.

    Args:
        network: compiled, its optimizer built and one that `may_halve`, not traced yet.
        layers: of its own, each of which `may_be_halved`.

    """

    def __init__(self, network: Any, layers: Sequence[Any]) -> None:
        optimizer = network.optimizer
        self._kernels = [Kernel(layer.kernel) for layer in layers]
        places = {id(weight): place for place, weight in enumerate(beside.weights(optimizer))}
        self._places = [places[id(kernel.whole)] for kernel in self._kernels]
        halves = [half for kernel in self._kernels for half in kernel.halves]
        self._beside = _BESIDE[type(optimizer)](optimizer, halves)
        lighten(self._beside)
        self._others = optimizer._backend_update_step  # noqa: SLF001  # Keras's seam between clipping and averaging
        optimizer._backend_update_step = self._update  # noqa: SLF001

    def kernel(self, layer: Any) -> Kernel | None:
        """Return a layer's kernel, if it is in halves."""
        return next((kernel for kernel in self._kernels if kernel.whole is layer.kernel), None)

    def take_over(self) -> None:
        """Cut kernels, and what is remembered of them, before steps are taken."""
        for whole, halves in self._pairs():
            for half, part in zip(halves, _tf.split(whole.value, widths(whole.shape[1]), axis=1), strict=True):
                half.assign(part)

    def hand_back(self) -> None:
        """Join all that was cut, where Keras has it; the halves stay as they are."""
        for whole, halves in self._pairs():
            _join(halves, whole)

    def make_whole(self) -> None:
        """Join the kernels, whether in a graph or not; the halves stay as they are."""
        for kernel in self._kernels:
            _join(kernel.halves, kernel.whole)

    @property
    def size(self) -> int:
        """How many bytes the halves take, with what is remembered of them."""
        return training_state.size_of(half for _, halves in self._pairs() for half in halves)

    def _pairs(self) -> list[tuple[Any, list[Any]]]:
        """Kernels, and what is remembered of each, with the halves of each."""
        found = [(kernel.whole, kernel.halves) for kernel in self._kernels]
        for mine, others in self._beside.remembered():
            found += [(others[place], mine[2 * at : 2 * at + 2]) for at, place in enumerate(self._places)]
        return found

    def _update(self, gradients: Sequence[Any], weights: Sequence[Any], learning_rate: Any) -> None:
        kernels = {id(kernel.whole): kernel for kernel in self._kernels}
        others = [pair for pair in zip(gradients, weights, strict=True) if id(pair[1]) not in kernels]
        if others:
            self._others(*zip(*others, strict=True), learning_rate)
        for weight in weights:  # Keras leaves out those on which the loss does not depend
            if kernel := kernels.get(id(weight)):
                for half, gradient in zip(kernel.halves, kernel.gradients, strict=True):
                    self._beside.update_step(gradient, half, learning_rate)


def _join(halves: list[Any], whole: Any) -> None:
    whole.assign(_tf.concat([half.value for half in halves], 1))
