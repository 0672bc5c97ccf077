"""Count the values of the buffers in which TensorFlow unfolds the inputs of a convolution.

The gradients of a convolution are products of matrices. TensorFlow unfolds several rows for each of them.
"""

import math
from collections.abc import Iterator, Sequence

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import split_channels
from stackyard.spec.layers import Layer
from stackyard.spec.layers.convolution import ConvolutionBase, TransposedConvolutionBase
from stackyard.spec.layers.sizes import Rank, expand_sizes

_BUFFER_VALUES = {1: 16 * 2**20, 2: 16 * 2**20, 3: 64 * 2**20}
"""By rank: TensorFlow unfolds further rows until a buffer has so many values, which depend on the machine's caches."""
_MAX_GROWTH = 25
"""In three dimensions, TensorFlow uses no buffer that would have more than so many times the values of all tensors."""


def count_workspace_values(layers: Sequence[Layer], shapes: Sequence[Shape], batch_size: int) -> int:
    """Return the number of values of the largest buffers. A layer returns them before another one needs its own.

    Args:
        layers: of the network.
        shapes: of the rows before each layer, and after the last one.
        batch_size: the number of rows in a step.

    """
    return max(_iterate_buffer_values(layers, shapes, batch_size), default=0)


def _iterate_buffer_values(layers: Sequence[Layer], shapes: Sequence[Shape], batch_size: int) -> Iterator[int]:
    for index, layer in enumerate(layers):
        match layer:
            case ConvolutionBase(groups=1):  # the gradients of its kernel and of its inputs are computed together
                gradients = 1 if index == 0 else 2
                yield gradients * _count_buffer_values(layer, shapes[index], shapes[index + 1], batch_size)
            case TransposedConvolutionBase():  # it is itself the gradient of a convolution, from its outputs
                yield _count_buffer_values(layer, shapes[index + 1], shapes[index], batch_size)
            case _:
                pass


def _count_buffer_values(
    layer: ConvolutionBase | TransposedConvolutionBase, wide: Shape, narrow: Shape, batch_size: int
) -> int:
    """Return the number of values of a buffer, for a convolution from rows of `wide` to rows of `narrow`."""
    _, channels = split_channels(wide, layer.data_format)
    positions, filters = split_channels(narrow, layer.data_format)
    window = math.prod(expand_sizes(layer.kernel_size, layer.rank)) * channels
    unfolded, kernel = math.prod(positions) * window, window * filters
    rows = _count_unfolded_rows(layer.rank, unfolded + math.prod(narrow) + kernel, batch_size)
    tensors = batch_size * (math.prod(wide) + math.prod(narrow)) + kernel
    is_too_large = layer.rank == 3 and rows * unfolded // tensors > _MAX_GROWTH  # noqa: PLR2004  # three dimensions
    return 0 if is_too_large else min(rows, batch_size) * unfolded


def _count_unfolded_rows(rank: Rank, row_values: int, batch_size: int) -> int:
    """Return how many rows TensorFlow unfolds at once; a buffer may have more rows than the batch."""
    buffer_values = _BUFFER_VALUES[rank]
    return 1 if batch_size == 1 or row_values >= buffer_values else -(-buffer_values // row_values)
