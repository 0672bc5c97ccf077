"""Ways to multiply matrices: TensorFlow's own, and others that may be faster and have the same bits.

A Dense layer has three products: its outputs, the gradient of its inputs and that of its kernel. Two things make the
first two faster than TensorFlow's own:

- Factors exchanged. Where a kernel's rows lie a power of two apart, as of 512 or 1024 units, what Eigen reads of them
  transposed falls on the same few lines of a cache: 256 rows by 1024 x 1024 take 16 ms on one thread of an AMD
  (Zen 3), and 7 with the kernel as the first factor, `transpose(kernel @ transpose(gradient))`. Elsewhere that is
  slower.
- Halves. Each is a product of its own, which another core can compute where one is free. TensorFlow divides a product
  among its threads, too, but small ones take no less time for it. The gradient of the kernel is left as it is: it is
  computed beside that of the inputs, and to join its halves takes as long as they save.

An element is the sum of the same numbers in every way; in which order they are added depends on the shapes, the
threads, the processor and how TensorFlow was built. So it is tried: once for each shape in a process, every way is
computed of random numbers, compared with TensorFlow's own, and timed. Sums of hundreds of numbers in another order
would show.
"""

import functools
import os
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

_tf: Any = tf  # which carries no types
_matmul: Any = _tf.raw_ops.MatMul

_GAIN = 0.9
"""Of the usual time: what takes more is not worth it, for to choose costs something, too."""
_BEGUN_S = 15e-6
"""What it costs in a graph to cut a factor, to begin a second product and to join the halves."""
_ROUNDS = 2

Shape = tuple[int, int]
Kernel = Shape
"""A kernel's shape: (inputs, units)."""
Multiply = Callable[[Any, Any, Any], Any]
"""A product of two factors, of which one is cut at a place."""


class Way(NamedTuple):
    """One way to a product."""

    multiply: Multiply
    cuts: Callable[[int, Kernel], Iterable[int]]
    """By the number of rows and the kernel: places to cut at, of which the first that leaves the bits is taken."""
    halves: bool
    """Whether two cores can be at it."""


class Product(NamedTuple):
    """A product of a Dense layer's: TensorFlow's own way to it, then others."""

    shapes: Callable[[int, Kernel], tuple[Shape, Shape]]
    """Of the factors, by the number of rows and the kernel."""
    ways: tuple[Way, ...]


class Found(NamedTuple):
    """What was found of a way that has the same bits as TensorFlow's own."""

    cut: int
    seconds: float


def _whole(_: int, __: Kernel) -> Iterable[int]:
    return (0,)


def _rows(rows: int, _: Kernel) -> Iterable[int]:
    """Near the middle: what is left after a number of whole blocks of Eigen's has most likely the same bits."""
    half = rows // 2
    return sorted({half, half - half % 6, half - half % 12} - {0}, reverse=True)


def _inputs(_: int, kernel: Kernel) -> Iterable[int]:
    half = kernel[0] // 2
    return sorted({half, half - half % 48} - {0}, reverse=True)


def _outputs(inputs: Any, kernel: Any, _: Any) -> Any:
    return _matmul(a=inputs, b=kernel)


def _outputs_by_rows(inputs: Any, kernel: Any, cut: Any) -> Any:
    return _tf.concat([_matmul(a=half, b=kernel) for half in _halves(inputs, cut)], 0)


def _of_inputs(gradient: Any, kernel: Any, _: Any) -> Any:
    return _matmul(a=gradient, b=kernel, transpose_b=True, grad_a=True)


def _of_inputs_exchanged(gradient: Any, kernel: Any, _: Any) -> Any:
    return _tf.transpose(_matmul(a=kernel, b=gradient, transpose_b=True))


def _of_inputs_by_inputs(gradient: Any, kernel: Any, cut: Any) -> Any:
    return _tf.concat([_matmul(a=gradient, b=half, transpose_b=True) for half in _halves(kernel, cut)], 1)


def _halves(factor: Any, cut: Any) -> list[Any]:
    count = _tf.shape(factor)[0] if factor.shape[0] is None else factor.shape[0]
    return _tf.split(factor, [cut, count - cut], num=2)


def _inputs_and_kernel(rows: int, kernel: Kernel) -> tuple[Shape, Shape]:
    return (rows, kernel[0]), kernel


def _gradient_and_kernel(rows: int, kernel: Kernel) -> tuple[Shape, Shape]:
    return (rows, kernel[1]), kernel


OUTPUTS = Product(
    _inputs_and_kernel,
    (
        Way(_outputs, _whole, halves=False),
        Way(_outputs_by_rows, _rows, halves=True),
    ),
)
"""Of the inputs and the kernel."""
OF_INPUTS = Product(
    _gradient_and_kernel,
    (
        Way(_of_inputs, _whole, halves=False),
        Way(_of_inputs_exchanged, _whole, halves=False),
        Way(_of_inputs_by_inputs, _inputs, halves=True),
    ),
)
"""The gradient of the inputs: of that of the outputs, and the kernel."""


def fastest(product: Product, rows: int, kernel: Kernel, threads: int, among: Iterable[int]) -> tuple[int, int]:
    """Return the fastest way to a product that has the bits of TensorFlow's own, and where it cuts.

    Args:
        product: one of the two.
        rows: of the inputs and the outputs.
        kernel: its shape.
        threads: of the present context; it is tried anew for each number.
        among: places of ways, from which on it is chosen; TensorFlow's own, 0, is always among them.

    """
    found = tried(product, rows, kernel, threads)
    best = min({0, *among} & found.keys(), key=lambda place: found[place].seconds)
    return (best, found[best].cut) if found[best].seconds < _GAIN * found[0].seconds else (0, 0)


@functools.cache
def tried(product: Product, rows: int, kernel: Kernel, threads: int) -> dict[int, Found]:
    """Try all ways to a product, and return by their places what was found of those that have the same bits."""
    random = np.random.default_rng(0)
    first, second = (_tf.constant(random.random(shape, "float32") - 0.5) for shape in product.shapes(rows, kernel))
    expected = product.ways[0].multiply(first, second, 0).numpy()
    has_free_cores = 2 * threads <= _cores()
    found: dict[int, Found] = {}
    for place, way in enumerate(product.ways):
        for cut in way.cuts(rows, kernel) if has_free_cores or not way.halves else ():
            if np.array_equal(way.multiply(first, second, cut).numpy(), expected):
                seconds = _seconds(way, first, second, cut) - _begun(product, way)
                found[place] = Found(cut, seconds / 2 + _BEGUN_S if way.halves else seconds)
                break
    return found


@functools.cache
def _begun(product: Product, way: Way) -> float:
    """How long it takes to begin a way's operations, one after the other outside of a graph."""
    first, second = (_tf.zeros(shape) for shape in product.shapes(2, (2, 2)))
    return _seconds(way, first, second, 1)


def _seconds(way: Way, first: Any, second: Any, cut: int) -> float:
    """The least time that it takes, of a few."""
    best = float("inf")
    for _ in range(_ROUNDS):
        since = time.perf_counter()
        way.multiply(first, second, cut)
        best = min(best, time.perf_counter() - since)
    return best


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
