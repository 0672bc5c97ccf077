"""Compute the products of a network's Dense layers by the faster variant for a step's number of rows.

A graph serves jobs with other batch sizes, too. So an operation checks the number of rows, and uses the alternative
only for the numbers for which it was selected. Split kernels are used for any number of rows: a job for whose steps
they are not bit-identical needs another graph.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from worker.engine.optimizations import split_kernels
from worker.engine.optimizations.activations import can_be_unfused
from worker.engine.optimizations.product_variants import (
    INPUT_GRADIENT,
    OUTPUTS,
    KernelShape,
    ProductVariants,
    are_halves_identical,
    can_use_alternative,
    compute_half_gradients,
    compute_kernel_gradient,
    find_faster_cut,
    multiply_halves,
)
from worker.engine.optimizations.split_kernels import SplitKernels

# Untyped, or partly so.
_tf: Any = tf
_ops: Any = keras.ops
_Dense: Any = keras.layers.Dense

_MIN_ELEMENTS, _MAX_ELEMENTS = 2**17, 2**25
"""Sizes of kernels and of rows for which alternatives are tried; larger ones would take too long to try."""
_MIN_SPLIT_ELEMENTS, _MAX_SPLIT_ELEMENTS = 2**16, 2**22
"""Minimum size of a kernel to split, and maximum total size of split kernels: the halves and their slots take as much
memory again, and are concatenated after each epoch."""
_MIN_MULTIPLICATIONS = 2**23
"""With fewer multiplications, the alternative is hardly faster, or slower."""
_MAX_ROW_COUNTS = 2
"""Row counts with a selection: those of full steps, and of the last step."""
_NO_ROWS = -1


class DenseProducts:
    """Replaces the calls of a network's Dense layers by calls that can use alternative products.

    Args:
        network: a compiled keras.Sequential with a built optimizer, untraced.
        step_sizes: the different numbers of rows that training steps have.

    """

    def __init__(self, network: Any, step_sizes: Collection[int] = ()) -> None:
        self._selections: dict[tuple[ProductVariants, KernelShape], _Selection] = {}
        split_layers = _list_split_layers(network, step_sizes)
        self._shapes = {tuple(layer.kernel.shape) for layer in split_layers}
        self.split_kernels = SplitKernels(network, split_layers) if split_layers else None
        is_gradient_needed = False  # of a layer's inputs: only if a layer before it is trainable
        for index, layer in enumerate(network.layers):
            if _is_supported(layer):
                kernel = self.split_kernels.find_kernel(layer) if self.split_kernels else None
                # Both a split kernel and split rows would take long to trace.
                is_standard = kernel or not can_be_unfused(network.layers, index)
                outputs = None if is_standard else self._get_selection(OUTPUTS, layer)
                input_gradient = self._get_selection(INPUT_GRADIENT, layer) if is_gradient_needed else None
                if outputs or input_gradient or kernel:
                    layer.call = _build_call(layer, _Alternatives(outputs, input_gradient, kernel))
            is_gradient_needed = is_gradient_needed or bool(layer.trainable_variables)

    def supports_batch_sizes(self, step_sizes: Collection[int]) -> bool:
        """Return whether training steps with these numbers of rows have the bits of whole kernels."""
        return all(_are_halves_identical(step_sizes, shape) for shape in self._shapes)

    def select_variants(self, step_sizes: Collection[int]) -> None:
        """Select the faster variants for training steps with these numbers of rows; results are identical."""
        for (product, kernel), selection in self._selections.items():
            selection.set_cuts(_find_cuts(product, kernel, step_sizes))

    def _get_selection(self, product: ProductVariants, layer: Any) -> "_Selection | None":
        if not can_use_alternative(product, _get_threads()) or layer.kernel.shape.num_elements() < _MIN_ELEMENTS:
            return None
        key = product, tuple(layer.kernel.shape)
        if key not in self._selections:
            self._selections[key] = _Selection()
        return self._selections[key]


class _Selection:
    """The numbers of rows for which a product uses the alternative, and where it splits them."""

    def __init__(self) -> None:
        self._rows, self._cuts = (
            _tf.Variable([_NO_ROWS] * _MAX_ROW_COUNTS, dtype="int32", trainable=False) for _ in range(2)
        )

    def set_cuts(self, cuts: dict[int, int]) -> None:
        entries = [*cuts.items(), *[(_NO_ROWS, 0)] * _MAX_ROW_COUNTS][:_MAX_ROW_COUNTS]
        self._rows.assign([rows for rows, _ in entries])
        self._cuts.assign([cut for _, cut in entries])

    def is_selected(self, rows: Any) -> Any:
        return _tf.reduce_any(_tf.equal(self._rows, rows))

    def get_cut(self, rows: Any) -> Any:
        """Return where to split this number of rows; after the last row if the alternative is not selected for it."""
        return _tf.reduce_min(_tf.where(_tf.equal(self._rows, rows), self._cuts, rows))


def _find_cuts(product: ProductVariants, kernel: KernelShape, rows: Collection[int]) -> dict[int, int]:
    """Return where to split, by the numbers of rows for which the alternative is faster."""
    size, longest_side = kernel[0] * kernel[1], max(kernel)
    counts = [
        count
        for count in sorted(rows)
        if count * size >= _MIN_MULTIPLICATIONS and count * longest_side <= _MAX_ELEMENTS
    ]
    cuts = {count: find_faster_cut(product, count, kernel, _get_threads()) for count in counts}
    return {count: cut for count, cut in cuts.items() if cut is not None}


def _get_threads() -> int:
    return _tf.config.threading.get_intra_op_parallelism_threads()


def _list_split_layers(network: Any, rows: Collection[int]) -> list[Any]:
    """Return the layers whose kernels are split."""
    if (
        not rows
        or not split_kernels.can_update_halves(network.optimizer)
        or not can_use_alternative(OUTPUTS, _get_threads())
    ):
        return []
    split_layers: list[Any] = []
    remaining_elements = _MAX_SPLIT_ELEMENTS
    for index, layer in enumerate(network.layers):
        if not (
            _is_supported(layer) and split_kernels.can_split_kernel(layer) and can_be_unfused(network.layers, index)
        ):
            continue
        size = layer.kernel.shape.num_elements()
        is_size_suitable = _MIN_SPLIT_ELEMENTS <= size <= remaining_elements
        if is_size_suitable and _are_halves_identical(rows, tuple(layer.kernel.shape)):
            split_layers.append(layer)
            remaining_elements -= size
    return split_layers


def _are_halves_identical(rows: Collection[int], kernel: KernelShape) -> bool:
    """Return whether halves of a kernel have the bits of the whole; False if it would take too long to test."""
    return all(
        count * max(kernel) <= _MAX_ELEMENTS and are_halves_identical(count, kernel, _get_threads()) for count in rows
    )


def _is_supported(layer: Any) -> bool:
    """Return whether a layer is a Dense on rows with one axis, on a CPU, with a kernel not too large to test."""
    if type(layer) is not _Dense or len(layer.input.shape) > 2 or _tf.config.list_logical_devices("GPU"):  # noqa: PLR2004
        return False
    return layer.compute_dtype == "float32" and layer.kernel.shape.num_elements() <= _MAX_ELEMENTS


class _Alternatives(NamedTuple):
    """The alternatives of a layer; None for those that it does not have."""

    outputs: _Selection | None
    input_gradient: _Selection | None
    kernel: split_kernels.SplitKernel | None


def _build_call(layer: Any, alternatives: _Alternatives) -> Callable[..., Any]:
    """Return a function that does the same as Keras 3.15's `Dense.call`, with alternative products."""

    def call(inputs: Any, training: bool = False) -> Any:
        kernel = _ops.convert_to_tensor(layer.kernel)
        if training:
            outputs = _multiply_with_gradients(inputs, kernel, alternatives)
        else:
            outputs = _multiply(inputs, kernel, alternatives)
        if layer.bias is not None:
            outputs = _ops.add(outputs, layer.bias)
        return outputs if layer.activation is None else layer.activation(outputs)

    return call


def _multiply(inputs: Any, kernel: Any, alternatives: _Alternatives) -> Any:
    if alternatives.outputs is None:
        return OUTPUTS.standard(inputs, kernel)
    return OUTPUTS.alternative(inputs, kernel, alternatives.outputs.get_cut(_tf.shape(inputs)[0]))


def _multiply_with_gradients(inputs: Any, kernel: Any, alternatives: _Alternatives) -> Any:
    """Multiply rows by a kernel, with TensorFlow's gradients.

    The gradients of a split kernel are stored in it, and Keras gets zeros, which are not used.
    """
    half_kernels = alternatives.kernel.read_halves() if alternatives.kernel else []

    @_tf.custom_gradient
    def multiply(inputs: Any, kernel: Any) -> Any:
        def compute_gradients(output_gradient: Any) -> tuple[Any, Any]:
            if alternatives.kernel is None:
                input_gradient = _compute_input_gradient(output_gradient, kernel, alternatives)
                return input_gradient, compute_kernel_gradient(inputs, output_gradient)
            alternatives.kernel.gradients = compute_half_gradients(inputs, output_gradient)
            input_gradient = _compute_input_gradient(output_gradient, _tf.concat(half_kernels, 1), alternatives)
            return input_gradient, _tf.zeros(kernel.shape)

        outputs = multiply_halves(inputs, half_kernels) if half_kernels else _multiply(inputs, kernel, alternatives)
        return outputs, compute_gradients

    return multiply(inputs, kernel)


def _compute_input_gradient(output_gradient: Any, kernel: Any, alternatives: _Alternatives) -> Any:
    if alternatives.input_gradient is None:
        return INPUT_GRADIENT.standard(output_gradient, kernel)
    return _tf.cond(
        alternatives.input_gradient.is_selected(_tf.shape(output_gradient)[0]),
        lambda: INPUT_GRADIENT.alternative(output_gradient, kernel, 0),
        lambda: INPUT_GRADIENT.standard(output_gradient, kernel),
    )
