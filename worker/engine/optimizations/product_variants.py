"""Alternative ways to compute matrix products, used if they are much faster and bit-identical to TensorFlow's own.

- The outputs of a Dense layer, with split rows: each half of the rows is a product of its own, which another core can
  compute if one is free. TensorFlow divides a product among its threads, too, but small products do not get faster.
- The gradient of a Dense layer's inputs, with swapped factors: `transpose(kernel @ transpose(gradient))`. If the
  kernel's row size is a power of two, such as 512 or 1024 units, Eigen's transposed reads conflict in the cache. The
  swapped product avoids the transposed reads. For other sizes it is slower.

Each element is a sum of the same products in either way. The order of the summation depends on the shapes, the
threads, the processor and the build of TensorFlow. So both ways are computed, compared and timed once in a process for
each shape, with random numbers. Sums of hundreds of numbers in another order would differ.
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

_MAX_RELATIVE_TIME = 0.9
"""An alternative must take less than this part of the standard time, since the selection has a cost."""
_SPLIT_OVERHEAD_S = 15e-6
"""Time in a graph to split a factor, to start a second product and to concatenate the results."""
_ROUNDS = 2
_MAX_TIMING_S = 0.03

KernelShape = tuple[int, int]
"""A kernel's shape: (inputs, units)."""


class ProductVariants(NamedTuple):
    """A product of rows and a kernel that can be computed in two ways."""

    side: int
    """Index in the kernel's shape that equals the number of columns of the rows."""
    standard: Callable[[Any, Any], Any]
    """TensorFlow's own implementation."""
    alternative: Callable[[Any, Any, Any], Any]
    """The alternative: takes both factors, and where to split the rows."""
    splits_rows: bool
    """Whether the alternative splits the rows and computes two products in parallel."""


def _multiply(inputs: Any, kernel: Any) -> Any:
    return _matmul(a=inputs, b=kernel)


def _multiply_split_rows(inputs: Any, kernel: Any, cut: Any) -> Any:
    count = _tf.shape(inputs)[0] if inputs.shape[0] is None else inputs.shape[0]
    halves = _tf.split(inputs, [cut, count - cut], num=2)
    return _tf.concat([_matmul(a=half, b=kernel) for half in halves], 0)


def _compute_input_gradient(gradient: Any, kernel: Any) -> Any:
    return _matmul(a=gradient, b=kernel, transpose_b=True, grad_a=True)


def _compute_input_gradient_swapped(gradient: Any, kernel: Any, _: Any) -> Any:
    return _tf.transpose(_matmul(a=kernel, b=gradient, transpose_b=True))


def compute_kernel_gradient(inputs: Any, gradient: Any) -> Any:
    """Return the gradient of a kernel from the inputs and the gradient of the outputs."""
    return _matmul(a=inputs, b=gradient, transpose_a=True, grad_b=True)


OUTPUTS = ProductVariants(0, _multiply, _multiply_split_rows, splits_rows=True)
"""The outputs, from the inputs and the kernel."""
INPUT_GRADIENT = ProductVariants(1, _compute_input_gradient, _compute_input_gradient_swapped, splits_rows=False)
"""The gradient of the inputs, from the gradient of the outputs and the kernel."""


def create_operations() -> None:
    """Have TensorFlow create the operations of both ways, which would otherwise distort the first timing."""
    for product in (OUTPUTS, INPUT_GRADIENT):
        _measure_overhead(product)
    are_halves_identical(2, (2, 2), 0)


def can_use_alternative(product: ProductVariants, threads: int) -> bool:
    """Return whether the alternative may be faster at all: split rows need a free core.

    Args:
        product: `OUTPUTS` or `INPUT_GRADIENT`.
        threads: of the current context; 0 is one for each core.

    """
    cores = count_usable_cores()
    return not product.splits_rows or 2 * (threads or cores) <= cores


def split_width(units: int) -> list[int]:
    """Return the number of columns of each half of a kernel."""
    return [units // 2, units - units // 2]


def multiply_halves(inputs: Any, halves: Sequence[Any]) -> Any:
    """Return the product of rows and a kernel that is split by columns."""
    return _tf.concat([_matmul(a=inputs, b=half) for half in halves], 1)


def compute_half_gradients(inputs: Any, gradient: Any) -> list[Any]:
    """Return the gradients of a kernel's halves from the inputs and the gradient of the outputs."""
    halves = _tf.split(gradient, split_width(gradient.shape[1]), axis=1)
    return [compute_kernel_gradient(inputs, half) for half in halves]


@functools.cache
def are_halves_identical(rows: int, kernel: KernelShape, threads: int) -> bool:
    """Test whether the products and gradients of a split kernel are bit-identical to those of the whole.

    Args:
        rows: number of rows of the inputs.
        kernel: its shape.
        threads: of the current context; the test is repeated for each number.

    """
    del threads
    inputs, whole, gradient = _draw_matrices((rows, kernel[0]), kernel, (rows, kernel[1]))
    outputs = multiply_halves(inputs, _tf.split(whole, split_width(kernel[1]), axis=1))
    if not np.array_equal(outputs.numpy(), _multiply(inputs, whole).numpy()):
        return False
    gradients = _tf.concat(compute_half_gradients(inputs, gradient), 1)
    return np.array_equal(gradients.numpy(), compute_kernel_gradient(inputs, gradient).numpy())


@functools.cache
def find_faster_cut(product: ProductVariants, rows: int, kernel: KernelShape, threads: int) -> int | None:
    """Test whether the alternative to a product is much faster and bit-identical.

    Args:
        product: `OUTPUTS` or `INPUT_GRADIENT`.
        rows: number of rows of the inputs, or of the gradient of the outputs.
        kernel: its shape.
        threads: of the current context; the test is repeated for each number.

    Returns:
        Where to split the rows, 0 if the alternative does not split them, or None if it is not to be used.

    """
    if not can_use_alternative(product, threads):
        return None
    factors = _draw_matrices((rows, kernel[product.side]), kernel)
    expected = product.standard(*factors).numpy()
    for cut in _list_cuts(rows) if product.splits_rows else [0]:
        other = functools.partial(product.alternative, *factors, cut)
        if np.array_equal(other().numpy(), expected):
            return cut if _is_worthwhile(product, functools.partial(product.standard, *factors), other) else None
    return None


def _draw_matrices(*shapes: tuple[int, int]) -> list[Any]:
    random = np.random.default_rng(0)
    return [_tf.constant(random.random(shape, "float32") - 0.5) for shape in shapes]


def _list_cuts(rows: int) -> list[int]:
    """Return positions near the middle: after whole blocks of Eigen, the bits are most likely the same."""
    half = rows // 2
    return sorted({half, half - half % 6, half - half % 12} - {0}, reverse=True)


def _is_worthwhile(product: ProductVariants, usual: Callable[[], Any], other: Callable[[], Any]) -> bool:
    durations = zip(_measure_seconds([usual, other]), _measure_overhead(product), strict=True)
    usual_s, other_s = (seconds - overhead for seconds, overhead in durations)
    return (other_s / 2 + _SPLIT_OVERHEAD_S if product.splits_rows else other_s) < _MAX_RELATIVE_TIME * usual_s


@functools.cache
def _measure_overhead(product: ProductVariants) -> list[float]:
    """Measure the time to start the operations of both ways outside of a graph, where they start one by one."""
    factors = [_tf.zeros((2, 2))] * 2
    return _measure_seconds(
        [functools.partial(product.standard, *factors), functools.partial(product.alternative, *factors, 1)]
    )


def _measure_seconds(functions: list[Callable[[], Any]]) -> list[float]:
    """Return the shortest of several durations of each function."""
    best, start_time = [float("inf")] * len(functions), time.perf_counter()
    for _ in range(_ROUNDS):
        for index, function in enumerate(functions):
            call_time = time.perf_counter()
            function()
            best[index] = min(best[index], time.perf_counter() - call_time)
        if time.perf_counter() - start_time > _MAX_TIMING_S:
            break
    return best
