"""A gradient's product with its factors exchanged, where that is much faster and has the same bits.

The gradient of a Dense layer's input is that of its output, multiplied by the transposed kernel. Where a kernel's rows
lie a power of two apart, as of 512 or 1024 units, what Eigen reads of them falls on the same few lines of a cache: 256
rows by 1024 x 1024 take 16 ms on one thread of an AMD (Zen 3), and 7 with the kernel as the first factor,
`transpose(kernel @ transpose(gradient))`. Elsewhere that is slower.

An element is the sum of the same products either way; in which order they are added depends on the shapes, the
threads, the processor and how TensorFlow was built. So it is tried: once for each shape in a process, on random
numbers, both are computed, compared and timed. Sums of hundreds of numbers in another order would show.
"""

import functools
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops

_tf: Any = tf  # which carries no types, nor does
_registered: Any = ops.gradient_registry

_LEAST, _MOST = 2**17, 2**25
"""Elements of a kernel of which exchanging may pay: of smaller ones it does not, larger ones take too long to try."""
_GAIN = 0.9
"""Of the usual time: what takes more is not exchanged, for the choice costs something, too."""
_ROUNDS = 3
_TRIED_S = 0.03
_NO_ROWS = -1


class Products:
    """The products of one network's gradients, and for how many rows each is to have its factors exchanged."""

    def __init__(self) -> None:
        self._rows_of: dict[tuple[int, int], Any] = {}  # a kernel's shape: the numbers of rows that are exchanged

    @contextmanager
    def tracing(self) -> Generator[None]:
        """While this lasts, gradients that TensorFlow's tape traces have a choice."""
        matmul = _registered._registry["MatMul"]  # noqa: SLF001  # nothing public registers a second gradient
        usual = matmul["type"]
        matmul["type"] = functools.partial(self._gradients, usual)
        try:
            yield
        finally:
            matmul["type"] = usual

    def choose(self, rows: Iterable[int]) -> None:
        """Choose what is faster for steps of these numbers of rows, two at most; others are multiplied as usual."""
        threads = _tf.config.threading.get_intra_op_parallelism_threads()
        for kernel, variable in self._rows_of.items():
            chosen = [count if pays(count, kernel, threads) else _NO_ROWS for count in rows]
            variable.assign((chosen + [_NO_ROWS] * 2)[:2])

    def _gradients(self, usual: Callable[[Any, Any], tuple[Any, Any]], op: Any, gradient: Any) -> tuple[Any, Any]:
        """Compute the gradients of both factors, as TensorFlow asks for those of an operation that it has recorded."""
        of_first, of_kernel = usual(op, gradient)
        kernel = op.inputs[1]
        if of_first is None or not _has_a_choice(op, kernel):
            return of_first, of_kernel
        exchange = _tf.reduce_any(_tf.equal(_tf.shape(gradient)[0], self._rows(tuple(kernel.shape))))
        chosen = _tf.cond(exchange, lambda: _exchanged(gradient, kernel), lambda: _usual(gradient, kernel))
        return chosen, of_kernel

    def _rows(self, kernel: tuple[int, int]) -> Any:
        if kernel not in self._rows_of:
            # As if nothing were being traced: a function that has seen the making of a variable is traced twice.
            with _tf.Graph().as_default(), _tf.__internal__.eager_context.eager_mode():
                self._rows_of[kernel] = _tf.Variable([_NO_ROWS] * 2, dtype="int32", trainable=False)
        return self._rows_of[kernel]


def _has_a_choice(op: Any, kernel: Any) -> bool:
    """Whether an operation multiplies rows by a kernel of a size that may gain, on a CPU and in no loop of Keras's."""
    if not hasattr(op, "skip_input_indices") or _tf.config.list_logical_devices("GPU"):  # what a loop records has none
        return False
    plain = not op.get_attr("transpose_a") and not op.get_attr("transpose_b") and kernel.dtype == _tf.float32
    return plain and kernel.shape.is_fully_defined() and _LEAST <= kernel.shape.num_elements() <= _MOST


def _usual(gradient: Any, kernel: Any) -> Any:
    """Multiply as TensorFlow's own gradient does."""
    return _tf.raw_ops.MatMul(a=gradient, b=kernel, transpose_b=True, grad_a=True)


def _exchanged(gradient: Any, kernel: Any) -> Any:
    return _tf.transpose(_tf.raw_ops.MatMul(a=kernel, b=gradient, transpose_b=True))


@functools.cache
def pays(rows: int, kernel: tuple[int, int], threads: int) -> bool:
    """Whether a gradient's product with a transposed kernel is much faster with its factors exchanged, bit by bit.

    Args:
        rows: of the gradient.
        kernel: its shape, (inputs, units).
        threads: of the present context; it is tried anew for each number.

    """
    if rows * max(kernel) > _MOST:
        return False
    random = np.random.default_rng(0)
    gradient, factor = (_tf.constant(random.random(shape, "float32") - 0.5) for shape in ((rows, kernel[1]), kernel))
    ways = [functools.partial(way, gradient, factor) for way in _compiled(threads)]
    first, second = (way().numpy() for way in ways)
    if not np.array_equal(first, second):
        return False
    usual, exchanged = _seconds(ways)
    return exchanged < _GAIN * usual


@functools.cache
def _compiled(threads: int) -> list[Any]:
    """Both ways as graphs, as they are in a step; of a context of so many threads, which share none."""
    del threads
    matrix = _tf.TensorSpec((None, None), "float32")
    return [_tf.function(way, autograph=False, input_signature=(matrix, matrix)) for way in (_usual, _exchanged)]


def _seconds(ways: list[Callable[[], Any]]) -> list[float]:
    """The least time that each takes, in turn."""
    best, started = [float("inf")] * len(ways), time.perf_counter()
    for _ in range(_ROUNDS):
        for place, way in enumerate(ways):
            since = time.perf_counter()
            way().numpy()
            best[place] = min(best[place], time.perf_counter() - since)
        if time.perf_counter() - started > _TRIED_S:
            break
    return best
