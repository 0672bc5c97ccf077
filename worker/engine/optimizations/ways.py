"""Products of matrices in another way than TensorFlow's own, where that is much faster and has the same bits.

- A Dense layer's outputs, in halves: each half of the rows is a product of its own, which another core can compute
  where one is free. TensorFlow divides a product among its threads, too, but small ones take no less time for it.
- The gradient of a Dense layer's inputs, with its factors exchanged: `transpose(kernel @ transpose(gradient))`. Where
  a kernel's rows lie a power of two apart, as of 512 or 1024 units, what Eigen reads of them transposed falls on the
  same few lines of a cache: 256 rows by 1024 x 1024 take 16 ms on one thread of an AMD (Zen 3), and 7 with the kernel
  as the first factor. Elsewhere that is slower.

An element is the sum of the same products either way; in which order they are added depends on the shapes, the
threads, the processor and how TensorFlow was built. So it is tried: once for each shape in a process, on random
numbers, both are computed, compared and timed. Sums of hundreds of numbers in another order would show.
"""

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from stackyard.cores import count_usable_cores

_tf: Any = tf  # which carries no types
_matmul: Any = _tf.raw_ops.MatMul

_GAIN = 0.9
"""Of the usual time: what takes more is not worth it, for to choose costs something, too."""
_BEGUN_S = 15e-6
"""What it costs in a graph to cut a factor, to begin a second product and to join the halves."""
_ROUNDS = 2
_TRIED_S = 0.03

Kernel = tuple[int, int]
"""A kernel's shape: (inputs, units)."""


class Product(NamedTuple):
    """A product of rows and a kernel, to which there are two ways."""

    side: int
    """Of the kernel's shape: as many columns the rows have."""
    usual: Callable[[Any, Any], Any]
    """TensorFlow's own way."""
    other: Callable[[Any, Any, Any], Any]
    """Of the two, and where to cut the rows."""
    halved: bool
    """Whether the other way cuts the rows, and is two products at once."""


def _outputs(inputs: Any, kernel: Any) -> Any:
    return _matmul(a=inputs, b=kernel)


def _outputs_in_halves(inputs: Any, kernel: Any, cut: Any) -> Any:
    count = _tf.shape(inputs)[0] if inputs.shape[0] is None else inputs.shape[0]
    halves = _tf.split(inputs, [cut, count - cut], num=2)
    return _tf.concat([_matmul(a=half, b=kernel) for half in halves], 0)


def _of_inputs(gradient: Any, kernel: Any) -> Any:
    return _matmul(a=gradient, b=kernel, transpose_b=True, grad_a=True)


def _of_inputs_exchanged(gradient: Any, kernel: Any, _: Any) -> Any:
    return _tf.transpose(_matmul(a=kernel, b=gradient, transpose_b=True))


def of_kernel(inputs: Any, gradient: Any) -> Any:
    """The gradient of a kernel: of the inputs, and the gradient of the outputs."""
    return _matmul(a=inputs, b=gradient, transpose_a=True, grad_b=True)


OUTPUTS = Product(0, _outputs, _outputs_in_halves, halved=True)
"""Of the inputs and the kernel."""
OF_INPUTS = Product(1, _of_inputs, _of_inputs_exchanged, halved=False)
"""The gradient of the inputs: of that of the outputs, and the kernel."""


def warm_up() -> None:
    """Let TensorFlow make the operations of all ways, which otherwise is a part of the first trial."""
    for product in (OUTPUTS, OF_INPUTS):
        _begun(product)
    halves_agree(2, (2, 2), 0)


def is_possible(product: Product, threads: int) -> bool:
    """Whether the other way may be faster at all: halves are, where a core is free for the second.

    Args:
        product: one of the two.
        threads: of the present context; 0 is one for each core.

    """
    cores = count_usable_cores()
    return not product.halved or 2 * (threads or cores) <= cores


def widths(units: int) -> list[int]:
    """How many columns each half of a kernel has."""
    return [units // 2, units - units // 2]


def of_halves(inputs: Any, halves: Sequence[Any]) -> Any:
    """The product of rows and a kernel in halves of its columns."""
    return _tf.concat([_matmul(a=inputs, b=half) for half in halves], 1)


def gradients_of_halves(inputs: Any, gradient: Any) -> list[Any]:
    """The gradients of a kernel's halves: of the inputs, and the gradient of the outputs."""
    parts = _tf.split(gradient, widths(gradient.shape[1]), axis=1)
    return [of_kernel(inputs, part) for part in parts]


@functools.cache
def halves_agree(rows: int, kernel: Kernel, threads: int) -> bool:
    """Try whether a kernel in halves of its columns has the bits of the whole, and its gradient those of the whole's.

    Args:
        rows: of the inputs.
        kernel: its shape.
        threads: of the present context; it is tried anew for each number.

    """
    del threads
    inputs, whole, gradient = _drawn((rows, kernel[0]), kernel, (rows, kernel[1]))
    outputs = of_halves(inputs, _tf.split(whole, widths(kernel[1]), axis=1))
    if not np.array_equal(outputs.numpy(), _outputs(inputs, whole).numpy()):
        return False
    joined = _tf.concat(gradients_of_halves(inputs, gradient), 1)
    return np.array_equal(joined.numpy(), of_kernel(inputs, gradient).numpy())


@functools.cache
def faster(product: Product, rows: int, kernel: Kernel, threads: int) -> int | None:
    """Try whether the other way to a product is much faster and has the same bits.

    Args:
        product: one of the two.
        rows: of the inputs, or of the gradient of the outputs.
        kernel: its shape.
        threads: of the present context; it is tried anew for each number.

    Returns:
        Where to cut, 0 if the other way does not, or None if it is not to be taken.

    """
    if not is_possible(product, threads):
        return None
    factors = _drawn((rows, kernel[product.side]), kernel)
    expected = product.usual(*factors).numpy()
    for cut in _near_the_middle(rows) if product.halved else [0]:
        other = functools.partial(product.other, *factors, cut)
        if np.array_equal(other().numpy(), expected):
            return cut if _pays(product, functools.partial(product.usual, *factors), other) else None
    return None


def _drawn(*shapes: tuple[int, int]) -> list[Any]:
    random = np.random.default_rng(0)
    return [_tf.constant(random.random(shape, "float32") - 0.5) for shape in shapes]


def _near_the_middle(rows: int) -> list[int]:
    """Places to cut at: after a number of whole blocks of Eigen's the bits are most likely the same."""
    half = rows // 2
    return sorted({half, half - half % 6, half - half % 12} - {0}, reverse=True)


def _pays(product: Product, usual: Callable[[], Any], other: Callable[[], Any]) -> bool:
    usually, seconds = (best - begun for best, begun in zip(_seconds([usual, other]), _begun(product), strict=True))
    return (seconds / 2 + _BEGUN_S if product.halved else seconds) < _GAIN * usually


@functools.cache
def _begun(product: Product) -> list[float]:
    """How long it takes to begin both ways' operations, one after the other, as nowhere in a graph."""
    factors = [_tf.zeros((2, 2))] * 2
    return _seconds([functools.partial(product.usual, *factors), functools.partial(product.other, *factors, 1)])


def _seconds(ways: list[Callable[[], Any]]) -> list[float]:
    """The least time that each takes, in turn."""
    best, started = [float("inf")] * len(ways), time.perf_counter()
    for _ in range(_ROUNDS):
        for place, way in enumerate(ways):
            since = time.perf_counter()
            way()
            best[place] = min(best[place], time.perf_counter() - since)
        if time.perf_counter() - started > _TRIED_S:
            break
    return best
