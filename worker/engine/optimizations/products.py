"""The products of a network's Dense layers, each in the faster way for a step's number of rows (see ways.py).

A graph is kept for jobs with other batches. So an operation looks at the number of rows, and takes the other way only
for those for which it was chosen. Kernels that are in halves (see halves.py) are so for steps of any number of rows: a
job for whose steps they have not the bits of the whole needs another graph.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from worker.engine.optimizations import halves
from worker.engine.optimizations.activations import may_be_apart
from worker.engine.optimizations.halves import Halves
from worker.engine.optimizations.ways import (
    OF_INPUTS,
    OUTPUTS,
    Kernel,
    Product,
    faster,
    gradients_of_halves,
    halves_agree,
    is_possible,
    of_halves,
    of_kernel,
)

# Without types, or with some that are not known.
_tf: Any = tf
_ops: Any = keras.ops
_Dense: Any = keras.layers.Dense

_LEAST, _MOST = 2**17, 2**25
"""Elements of a kernel, or of rows, with which the other way may pay; what is larger takes too long to try."""
_LEAST_HALVED, _MOST_HALVED = 2**16, 2**22
"""Elements of a kernel that is worth to be halved, and of all that are: they take as much memory once more, with what
is remembered of them, and are joined after each epoch."""
_LEAST_MULTIPLIED = 2**23
"""Pairs of numbers: where there are fewer, the other way is hardly faster, or slower."""
_COUNTS = 2
"""Of rows, at most, that have a choice: a training's batches, and what is left for its last step."""
_NO_ROWS = -1


class Products:
    """Has the Dense layers of a network choose how to multiply.

    Args:
        network: a keras.Sequential, compiled, its optimizer built, not traced yet.
        rows: the numbers of rows of a training's steps.

    """

    def __init__(self, network: Any, rows: Collection[int] = ()) -> None:
        self._choices: dict[tuple[Product, Kernel], _Choice] = {}
        halved = _halved(network, rows)
        self._shapes = {tuple(layer.kernel.shape) for layer in halved}
        self.halves = Halves(network, halved) if halved else None
        learns = False  # what comes before a layer: only then the gradient of its inputs is needed
        for place, layer in enumerate(network.layers):
            if _is_plain(layer):
                kernel = self.halves.kernel(layer) if self.halves else None
                whole = kernel or not may_be_apart(network.layers, place)  # halves of both take long to trace
                outputs = None if whole else self._choice(OUTPUTS, layer)
                of_inputs = self._choice(OF_INPUTS, layer) if learns else None
                if outputs or of_inputs or kernel:
                    layer.call = _call(layer, _Ways(outputs, of_inputs, kernel))
            learns = learns or bool(layer.trainable_variables)

    def suit(self, rows: Collection[int]) -> bool:
        """Whether a training's steps of these numbers of rows have the bits of whole kernels."""
        return all(_agree(rows, shape) for shape in self._shapes)

    def choose(self, rows: Collection[int]) -> None:
        """Choose what is faster for a training's steps of these numbers of rows; no bit depends on it."""
        for (product, kernel), choice in self._choices.items():
            choice.choose(_cuts(product, kernel, rows))

    def _choice(self, product: Product, layer: Any) -> "_Choice | None":
        if not is_possible(product, _threads()) or layer.kernel.shape.num_elements() < _LEAST:
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


def _halved(network: Any, rows: Collection[int]) -> list[Any]:
    """The layers whose kernels are to be in halves."""
    if not rows or not halves.may_halve(network.optimizer) or not is_possible(OUTPUTS, _threads()):
        return []
    found: list[Any] = []
    left = _MOST_HALVED
    for place, layer in enumerate(network.layers):
        if not (_is_plain(layer) and halves.may_be_halved(layer) and may_be_apart(network.layers, place)):
            continue
        size = layer.kernel.shape.num_elements()
        if _LEAST_HALVED <= size <= left and _agree(rows, tuple(layer.kernel.shape)):
            found.append(layer)
            left -= size
    return found


def _agree(rows: Collection[int], kernel: Kernel) -> bool:
    """Whether halves of a kernel have the bits of the whole, as far as it is no work to find out."""
    return all(count * max(kernel) <= _MOST and halves_agree(count, kernel, _threads()) for count in rows)


def _is_plain(layer: Any) -> bool:
    """Whether a layer is a Dense that multiplies rows by a kernel that is not too large to try, on a CPU."""
    if type(layer) is not _Dense or len(layer.input.shape) > 2 or _tf.config.list_logical_devices("GPU"):  # noqa: PLR2004
        return False
    return layer.compute_dtype == "float32" and layer.kernel.shape.num_elements() <= _MOST


class _Ways(NamedTuple):
    """What a layer has to choose from; None where it has not."""

    outputs: _Choice | None
    of_inputs: _Choice | None
    kernel: halves.Kernel | None


def _call(layer: Any, ways: _Ways) -> Callable[..., Any]:
    """What Keras 3.15's `Dense.call` does, with other ways to its products."""

    def call(inputs: Any, training: bool = False) -> Any:
        kernel = _ops.convert_to_tensor(layer.kernel)
        made = _learned(inputs, kernel, ways) if training else _product(inputs, kernel, ways)
        if layer.bias is not None:
            made = _ops.add(made, layer.bias)
        return made if layer.activation is None else layer.activation(made)

    return call


def _product(inputs: Any, kernel: Any, ways: _Ways) -> Any:
    if ways.outputs is None:
        return OUTPUTS.usual(inputs, kernel)
    return OUTPUTS.other(inputs, kernel, ways.outputs.cut(_tf.shape(inputs)[0]))


def _learned(inputs: Any, kernel: Any, ways: _Ways) -> Any:
    """The product of rows and a kernel, with the gradients that TensorFlow has for it.

    That of a kernel in halves is handed to these, and Keras gets zeros for it, with which nobody does anything.
    """
    parts = ways.kernel.tensors() if ways.kernel else []

    @_tf.custom_gradient
    def learned(inputs: Any, kernel: Any) -> Any:
        def gradients(of_outputs: Any) -> tuple[Any, Any]:
            if ways.kernel is None:
                return _of_inputs(of_outputs, kernel, ways), of_kernel(inputs, of_outputs)
            ways.kernel.gradients = gradients_of_halves(inputs, of_outputs)
            return _of_inputs(of_outputs, _tf.concat(parts, 1), ways), _tf.zeros(kernel.shape)

        return of_halves(inputs, parts) if parts else _product(inputs, kernel, ways), gradients

    return learned(inputs, kernel)


def _of_inputs(of_outputs: Any, kernel: Any, ways: _Ways) -> Any:
    if ways.of_inputs is None:
        return OF_INPUTS.usual(of_outputs, kernel)
    return _tf.cond(
        ways.of_inputs.is_for(_tf.shape(of_outputs)[0]),
        lambda: OF_INPUTS.other(of_outputs, kernel, 0),
        lambda: OF_INPUTS.usual(of_outputs, kernel),
    )
