"""Count the values that the layers of a network hold during a training step."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stackyard.spec.check.memory.workspaces import count_workspace_values
from stackyard.spec.check.repetitions import count_unrolled_steps
from stackyard.spec.check.report import LayerReport, Shape
from stackyard.spec.check.shapes import infer_layer_output
from stackyard.spec.layers import (
    BatchNormalization,
    Bidirectional,
    Flatten,
    GroupNormalization,
    Layer,
    LayerNormalization,
    NonWrapperLayer,
    Reshape,
    SpectralNormalization,
    TimeDistributed,
)
from stackyard.spec.layers.convolution import ConvolutionBase, TransposedConvolutionBase
from stackyard.spec.layers.depthwise import SeparableConvolutionBase
from stackyard.spec.layers.recurrent import RecurrentBase
from stackyard.spec.network.regularizers import OrthogonalRegularizer

_OUTPUT_COPIES = 3
"""Values that a layer holds for each output: before and after its activation, and the gradient."""
_LINEAR_COPIES = 2
"""Values for each output of a convolution without an activation."""
_NORMALIZATION_COPIES = 5
_STACKED_COPIES = 2
"""Values for each output of a layer that is applied to every step: the stacked outputs, and their transpose."""
_STEP_VALUES = {"SimpleRNN": 5, "GRU": 12, "LSTM": 16}
"""Values that a recurrent layer keeps for each unit and step: gates, states and their copies in TensorFlow's loop."""
_PENALTY_PRODUCTS = 5
"""Copies of the product of a weight with itself, in the penalty and in its gradient."""
_NORMALIZED_KERNELS = 9
"""Copies of a kernel that a spectral normalization makes."""
_NORMALIZATIONS = (BatchNormalization, GroupNormalization, LayerNormalization)


class LayerMemory(NamedTuple):
    """Numbers that the layers hold.

    They are values for a row, values of buffers, values for penalties, and further copies of unrolled layers.
    """

    row_values: int
    workspace_values: int
    penalty_values: int
    unrolled_steps: int


def measure_layers(
    layers: Sequence[Layer], input_shape: Shape, reports: Sequence[LayerReport], batch_size: int
) -> LayerMemory:
    """Return the sums over the layers of a valid network.

    Args:
        layers: the layers, in order.
        input_shape: of a row of the network.
        reports: of the layers.
        batch_size: the number of rows in a step.

    """
    shapes = [input_shape, *(report.output_shape for report in reports)]
    inputs = list(zip(layers, shapes, strict=False))
    return LayerMemory(
        sum(
            _count_row_values(layer, shape, output) for (layer, shape), output in zip(inputs, shapes[1:], strict=True)
        ),
        count_workspace_values(layers, shapes, batch_size),
        sum(_count_penalty_values(layer, shape) for layer, shape in inputs),
        sum(count_unrolled_steps(layer, shape) - 1 for layer, shape in inputs),
    )


def _count_row_values(layer: Layer, shape: Shape, output: Shape) -> int:
    """Return the number of values that a layer holds for a row of `shape`."""
    match layer:
        case Bidirectional():
            directions = (layer.layer, layer.backward_layer or layer.layer)
            inner_values = sum(_count_row_values(inner, shape, output) for inner in directions)
            return _OUTPUT_COPIES * math.prod(output) + inner_values
        case TimeDistributed():
            inner_values = shape[0] * _count_row_values(layer.layer, shape[1:], output[1:])
            return _STACKED_COPIES * math.prod(output) + inner_values
        case SpectralNormalization():
            return _count_row_values(layer.layer, shape, output)
        case _:
            return _count_plain_values(layer, shape, output)


def _count_plain_values(layer: NonWrapperLayer, shape: Shape, output: Shape) -> int:
    count = math.prod(output)
    match layer:
        case RecurrentBase():
            return _OUTPUT_COPIES * count + shape[0] * (shape[1] + _STEP_VALUES[layer.type] * layer.units)
        case SeparableConvolutionBase():
            return _OUTPUT_COPIES * (count + count // layer.filters * shape[-1] * layer.depth_multiplier)
        case Flatten() | Reshape():
            return 0
        case ConvolutionBase(activation=None) | TransposedConvolutionBase(activation=None):
            return _LINEAR_COPIES * count
        case _:
            return count * (_NORMALIZATION_COPIES if isinstance(layer, _NORMALIZATIONS) else _OUTPUT_COPIES)


def _count_penalty_values(layer: Layer, shape: Shape) -> int:
    """Return the number of values of products in the penalties of a layer, and of copies of a normalized kernel."""
    match layer:
        case Bidirectional():
            directions = (layer.layer, layer.backward_layer or layer.layer)
            return sum(_count_penalty_values(inner, shape) for inner in directions)
        case TimeDistributed():
            return _count_penalty_values(layer.layer, shape[1:])
        case SpectralNormalization():
            output, _ = infer_layer_output(layer.layer, shape)
            kernel = 0 if output is None else output.weights[0].size
            return _NORMALIZED_KERNELS * kernel + _count_penalty_values(layer.layer, shape)
        case _:
            return _PENALTY_PRODUCTS * sum(side * side for side in _list_product_sides(layer, shape))


def _list_product_sides(layer: NonWrapperLayer, shape: Shape) -> Iterator[int]:
    """Yield the numbers of rows, or of columns, of the matrices that are multiplied with themselves."""
    if not any(isinstance(value, OrthogonalRegularizer) for value in vars(layer).values()):
        return
    output, _ = infer_layer_output(layer, shape)
    if output is None:
        return
    matrices = [(f"{weight.role}_regularizer", weight.shape) for weight in output.weights]
    matrices.append(("activity_regularizer", output.shape))
    for argument, matrix in matrices:
        regularizer = getattr(layer, argument, None)
        if isinstance(regularizer, OrthogonalRegularizer):
            yield matrix[0 if regularizer.mode == "rows" else -1]
