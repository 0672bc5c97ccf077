"""Shape rules of layers that only change the shape."""

import math
from typing import Any

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import (
    LayerOutput,
    ShapeRules,
    count_operations,
    find_rank_fault,
    format_rows,
    join_channels,
    split_channels,
)
from stackyard.spec.check.weights import LayerFault
from stackyard.spec.layers import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from stackyard.spec.layers.sizes import DataFormat, expand_sizes

_INTERPOLATION_TAPS = {"nearest": 0, "bilinear": 4, "bicubic": 16, "lanczos3": 36, "lanczos5": 100}
"""Number of input values that each interpolated value is computed from."""


def _infer_flatten(_: Flatten, shape: Shape) -> LayerOutput:
    return LayerOutput((math.prod(shape),))


def _infer_reshape(layer: Reshape, shape: Shape) -> LayerOutput | LayerFault:
    total, product = math.prod(shape), math.prod(size for size in layer.target_shape if size != -1)
    if product < 1 or total % product or (-1 not in layer.target_shape and product != total):
        expected = f"expected sizes whose product is {total}, or divides it if one size is -1"
        return LayerFault(
            f"{expected}, for {format_rows(shape)}; received {list(layer.target_shape)}", ("target_shape",)
        )
    return LayerOutput(tuple(total // product if size == -1 else size for size in layer.target_shape))


def _infer_permute(layer: Permute, shape: Shape) -> LayerOutput | LayerFault:
    if len(layer.dims) != len(shape):
        message = f"expected {len(shape)} dims for {format_rows(shape)}, received {len(layer.dims)}"
        return LayerFault(message, ("dims",))
    return LayerOutput(tuple(shape[axis - 1] for axis in layer.dims))


def _infer_repeat_vector(layer: RepeatVector, shape: Shape) -> LayerOutput | LayerFault:
    return find_rank_fault(shape, 1) or LayerOutput((layer.n, *shape))


def _infer_cropping(layer: Cropping1D | Cropping2D | Cropping3D, shape: Shape) -> LayerOutput | LayerFault:
    data_format: DataFormat | None = getattr(layer, "data_format", None)
    ends = _list_ends(layer.cropping, layer.rank)
    if fault := find_rank_fault(shape, layer.rank + 1):
        return fault
    sizes, channels = split_channels(shape, data_format)
    for size, (begin, end) in zip(sizes, ends, strict=True):
        if begin + end >= size:
            message = f"expected less than {size} in all for an axis of that size of {format_rows(shape)}"
            return LayerFault(f"{message}, received {begin + end}", ("cropping",))
    cropped = tuple(size - begin - end for size, (begin, end) in zip(sizes, ends, strict=True))
    return LayerOutput(join_channels(cropped, channels, data_format))


def _infer_zero_padding(
    layer: ZeroPadding1D | ZeroPadding2D | ZeroPadding3D, shape: Shape
) -> LayerOutput | LayerFault:
    ends = _list_ends(layer.padding, layer.rank)
    if fault := find_rank_fault(shape, layer.rank + 1):
        return fault
    sizes, channels = split_channels(shape, layer.data_format)
    padded = tuple(size + begin + end for size, (begin, end) in zip(sizes, ends, strict=True))
    return LayerOutput(join_channels(padded, channels, layer.data_format))


def _list_ends(amounts: int | tuple[Any, ...], rank: int) -> tuple[tuple[int, int], ...]:
    """Return the two amounts, at the beginning and at the end, of each axis."""
    by_axis = (amounts,) if rank == 1 else expand_sizes(amounts, rank)
    return tuple((amount, amount) if isinstance(amount, int) else (amount[0], amount[1]) for amount in by_axis)


def _infer_up_sampling(layer: UpSampling1D | UpSampling2D | UpSampling3D, shape: Shape) -> LayerOutput | LayerFault:
    if fault := find_rank_fault(shape, layer.rank + 1):
        return fault
    data_format: DataFormat | None = getattr(layer, "data_format", None)
    sizes, channels = split_channels(shape, data_format)
    larger = tuple(size * factor for size, factor in zip(sizes, expand_sizes(layer.size, layer.rank), strict=True))
    output = join_channels(larger, channels, data_format)
    return LayerOutput(
        output, flops=count_operations(output, 2 * _INTERPOLATION_TAPS[getattr(layer, "interpolation", "nearest")])
    )


RULES: ShapeRules = {
    Flatten: _infer_flatten,
    Reshape: _infer_reshape,
    Permute: _infer_permute,
    RepeatVector: _infer_repeat_vector,
    Cropping1D: _infer_cropping,
    Cropping2D: _infer_cropping,
    Cropping3D: _infer_cropping,
    ZeroPadding1D: _infer_zero_padding,
    ZeroPadding2D: _infer_zero_padding,
    ZeroPadding3D: _infer_zero_padding,
    UpSampling1D: _infer_up_sampling,
    UpSampling2D: _infer_up_sampling,
    UpSampling3D: _infer_up_sampling,
}
