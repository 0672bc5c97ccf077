"""The products of a network's Dense layers, each in the faster way for a step's number of rows (see ways.py).

A graph is kept for jobs with other batches. So an operation looks at the number of rows, and takes the other way only
for those for which it was chosen.
"""

from collections.abc import Callable, Collection
from typing import Any

import keras
import tensorflow as tf

from worker.engine.ways import OF_INPUTS, OUTPUTS, Kernel, Product, faster, is_possible

# Without types, or with some that are not known.
_tf: Any = tf
_matmul: Any = _tf.raw_ops.MatMul
_ops: Any = keras.ops
_Dense: Any = keras.layers.Dense

_LEAST, _MOST = 2**17, 2**25
"""Elements of a kernel, or of rows, with which the other way may pay; what is larger takes too long to try."""
_LEAST_MULTIPLIED = 2**23
"""Pairs of numbers: where there are fewer, the other way is hardly faster, or slower."""
_COUNTS = 2
"""Of rows, at most, that have a choice: a training's batches, and what is left for its last step."""
_NO_ROWS = -1


class Products:
    """Has the Dense layers of a network choose how to multiply.

    Args:
        network: a keras.Sequential, built, not traced yet.

    """

    def __init__(self, network: Any) -> None:
        self._choices: dict[tuple[Product, Kernel], _Choice] = {}
        learns = False  # what comes before a layer: only then the gradient of its inputs is needed
        for layer in network.layers:
            if _is_plain(layer):
                outputs = self._choice(OUTPUTS, layer)
                of_inputs = self._choice(OF_INPUTS, layer) if learns else None
                if outputs or of_inputs:
                    layer.call = _call(layer, outputs, of_inputs)
            learns = learns or bool(layer.trainable_variables)

    def choose(self, rows: Collection[int]) -> None:
        """Choose what is faster for a training's steps of these numbers of rows; no bit depends on it."""
        for (product, kernel), choice in self._choices.items():
            choice.choose(_cuts(product, kernel, rows))

    def _choice(self, product: Product, layer: Any) -> "_Choice | None":
        if not is_possible(product, _threads()):
            return None
        place = product, tuple(layer.kernel.shape)
        if place not in self._choices:
            self._choices[place] = _Choice()
        return self._choices[place]


class _Choice:
    """For which numbers of rows a product takes the other way, and where it cuts them."""

    def __init__(self) -> None:
        self._rows, self._cuts = (_tf.Variable([_NO_ROWS] * _COUNTS, dtype="int32", trainable=False) for _ in range(2))

    def choose(self, cuts: dict[int, int]) -> None:
        chosen = [*cuts.items(), *[(_NO_ROWS, 0)] * _COUNTS][:_COUNTS]
        self._rows.assign([rows for rows, _ in chosen])
        self._cuts.assign([cut for _, cut in chosen])

    def is_for(self, rows: Any) -> Any:
        return _tf.reduce_any(_tf.equal(self._rows, rows))

    def cut(self, rows: Any) -> Any:
        """Where to cut so many rows; after the last one, if the other way was not chosen for them."""
        return _tf.reduce_min(_tf.where(_tf.equal(self._rows, rows), self._cuts, rows))


def _cuts(product: Product, kernel: Kernel, rows: Collection[int]) -> dict[int, int]:
    """Where to cut, by the numbers of rows for which the other way is faster."""
    size, longest = kernel[0] * kernel[1], max(kernel)
    counts = [count for count in sorted(rows) if count * size >= _LEAST_MULTIPLIED and count * longest <= _MOST]
    found = {count: faster(product, count, kernel, _threads()) for count in counts}
    return {count: cut for count, cut in found.items() if cut is not None}


def _threads() -> int:
    return _tf.config.threading.get_intra_op_parallelism_threads()


def _is_plain(layer: Any) -> bool:
    """Whether a layer is a Dense that multiplies rows by a kernel of a size that may gain, on a CPU."""
    if type(layer) is not _Dense or len(layer.input.shape) > 2 or _tf.config.list_logical_devices("GPU"):  # noqa: PLR2004
        return False
    return layer.compute_dtype == "float32" and _LEAST <= layer.kernel.shape.num_elements() <= _MOST


def _call(layer: Any, outputs: _Choice | None, of_inputs: _Choice | None) -> Callable[..., Any]:
    """What Keras 3.15's `Dense.call` does, with a choice of ways to its products."""

    def call(inputs: Any, training: bool = False) -> Any:
        made = _multiplied(inputs, _ops.convert_to_tensor(layer.kernel), outputs, of_inputs, learning=training)
        if layer.bias is not None:
            made = _ops.add(made, layer.bias)
        return made if layer.activation is None else layer.activation(made)

    return call


def _multiplied(
    inputs: Any, kernel: Any, outputs: _Choice | None, of_inputs: _Choice | None, *, learning: bool
) -> Any:
    """The product of rows and a kernel; if something is learned, with the gradients that TensorFlow has for it."""
    rows = _tf.shape(inputs)[0]

    def product(inputs: Any, kernel: Any) -> Any:
        return OUTPUTS.usual(inputs, kernel) if outputs is None else OUTPUTS.other(inputs, kernel, outputs.cut(rows))

    @_tf.custom_gradient
    def learned(inputs: Any, kernel: Any) -> Any:
        def gradients(of_outputs: Any) -> tuple[Any, Any]:
            of_kernel = _matmul(a=inputs, b=of_outputs, transpose_a=True, grad_b=True)
            if of_inputs is None:
                return OF_INPUTS.usual(of_outputs, kernel), of_kernel
            exchanged = _tf.cond(
                of_inputs.is_for(rows),
                lambda: OF_INPUTS.other(of_outputs, kernel, 0),
                lambda: OF_INPUTS.usual(of_outputs, kernel),
            )
            return exchanged, of_kernel

        return product(inputs, kernel), gradients

    return (learned if learning else product)(inputs, kernel)
