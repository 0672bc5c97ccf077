"""The products of a network's Dense layers, each by the fastest way for a step's number of rows (see ways.py).

A graph is kept for jobs with other batches. So an operation looks at the number of rows, and takes a way only for
those for which it was chosen; all others are multiplied as usual. Ways that the first job does not take are not in the
graph: to choose among them would cost every step something.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import keras
import tensorflow as tf

from worker.engine.ways import OF_INPUTS, OUTPUTS, Kernel, Multiply, Product, fastest

# Without types, or with some that are not known.
_tf: Any = tf
_matmul: Any = _tf.raw_ops.MatMul
_ops: Any = keras.ops
_Dense: Any = keras.layers.Dense

_LEAST, _MOST = 2**14, 2**25
"""Elements of a kernel, or of rows, with which another way may pay; what is larger takes too long to try."""
_LEAST_MULTIPLIED = 2**23
"""Pairs of numbers: where there are fewer, no other way is faster."""
_COUNTS = 4
"""Of rows, at most, that have ways of their own: a training's and a validation's batches, and what is left of each."""
_NO_ROWS = -1

_Cuts = Mapping[int, Any]
"""By the place of a way: a variable of shape (_COUNTS, 2), numbers of rows and where to cut for each."""


class Products:
    """Has the Dense layers of a network multiply by the fastest ways.

    Args:
        network: a keras.Sequential, built, not traced yet.
        rows: how many a step may have; ways that are faster for these can be chosen from now on.

    """

    def __init__(self, network: Any, rows: Collection[int]) -> None:
        self._found: dict[tuple[Product, Kernel], _Cuts] = {}
        learns = False  # what comes before a layer: only then the gradient of its inputs is needed
        for layer in network.layers:
            if _is_plain(layer):
                self._give_ways(layer, (OUTPUTS, OF_INPUTS) if learns else (OUTPUTS,), rows)
            learns = learns or bool(layer.trainable_variables)
        self.choose(rows)

    def choose(self, rows: Collection[int]) -> None:
        """Choose what is fastest for steps of these numbers of rows, four at most; no bit depends on it."""
        for (product, kernel), cuts in self._found.items():
            chosen = {count: _fastest(product, count, kernel, cuts) for count in rows}
            for place, variable in cuts.items():
                here = [(count, cut) for count, (taken, cut) in chosen.items() if taken == place]
                variable.assign((here + [(_NO_ROWS, 0)] * _COUNTS)[:_COUNTS])

    def _give_ways(self, layer: Any, products: Iterable[Product], rows: Collection[int]) -> None:
        kernel = tuple(layer.kernel.shape)
        ways = {product: self._ways(product, kernel, rows) for product in products}
        if any(ways.values()):
            layer.call = _call(layer, ways)

    def _ways(self, product: Product, kernel: Kernel, rows: Collection[int]) -> _Cuts:
        """Those that are faster for any of these numbers of rows."""
        if (product, kernel) not in self._found:
            all_of_them = range(len(product.ways))
            places = sorted({_fastest(product, count, kernel, all_of_them)[0] for count in rows} - {0})
            self._found[product, kernel] = {
                place: _tf.Variable([(_NO_ROWS, 0)] * _COUNTS, dtype="int32", trainable=False) for place in places
            }
        return self._found[product, kernel]


def _is_plain(layer: Any) -> bool:
    """Whether a layer is a Dense that multiplies rows by a kernel of a size that may gain, on a CPU."""
    if type(layer) is not _Dense or len(layer.input.shape) != 2 or _tf.config.list_logical_devices("GPU"):  # noqa: PLR2004
        return False
    return layer.compute_dtype == "float32" and _LEAST <= layer.kernel.shape.num_elements() <= _MOST


def _fastest(product: Product, rows: int, kernel: Kernel, among: Iterable[int]) -> tuple[int, int]:
    if rows * kernel[0] * kernel[1] < _LEAST_MULTIPLIED or rows * max(kernel) > _MOST:
        return 0, 0
    return fastest(product, rows, kernel, _tf.config.threading.get_intra_op_parallelism_threads(), among)


def _call(layer: Any, ways: Mapping[Product, _Cuts]) -> Callable[..., Any]:
    """What Keras 3.15's `Dense.call` does, with other ways to its products."""

    def call(inputs: Any, training: bool = False) -> Any:
        del training
        outputs = _multiplied(inputs, _ops.convert_to_tensor(layer.kernel), ways)
        if layer.bias is not None:
            outputs = _ops.add(outputs, layer.bias)
        return outputs if layer.activation is None else layer.activation(outputs)

    return call


def _multiplied(inputs: Any, kernel: Any, ways: Mapping[Product, _Cuts]) -> Any:
    """The product of rows and a kernel, with the gradients that TensorFlow has for it."""
    rows = _tf.shape(inputs)[0]

    def by_fastest(product: Product, first: Any, second: Any, shape: Any) -> Any:
        return _by_fastest(product, ways.get(product, {}), rows, (first, second), shape)

    @_tf.custom_gradient
    def multiplied(inputs: Any, kernel: Any) -> Any:
        def gradients(of_outputs: Any) -> tuple[Any, Any]:
            of_inputs = by_fastest(OF_INPUTS, of_outputs, kernel, inputs.shape)
            return of_inputs, _matmul(a=inputs, b=of_outputs, transpose_a=True, grad_b=True)

        return by_fastest(OUTPUTS, inputs, kernel, (inputs.shape[0], kernel.shape[1])), gradients

    return multiplied(inputs, kernel)


def _by_fastest(product: Product, cuts: _Cuts, rows: Any, factors: tuple[Any, Any], shape: Any) -> Any:
    """A product of so many rows by the way that was chosen for them."""
    multiply: Callable[[], Any] = functools.partial(product.ways[0].multiply, *factors, 0)
    for place, variable in cuts.items():
        multiply = functools.partial(_either, product.ways[place].multiply, variable, rows, factors, multiply)
    result = multiply()
    result.set_shape(shape)
    return result


def _either(way: Multiply, cuts: Any, rows: Any, factors: tuple[Any, Any], otherwise: Callable[[], Any]) -> Any:
    """One way, if it was chosen for so many rows, else another."""
    here = _tf.equal(cuts[:, 0], rows)
    cut = _tf.reduce_max(_tf.where(here, cuts[:, 1], 0))
    return _tf.cond(_tf.reduce_any(here), lambda: way(*factors, cut), otherwise)
