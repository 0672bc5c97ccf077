"""Layers that only change the shape."""

import math
from typing import Any

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import Made, Rules, each, join, rows, split, wrong_rank
from stackyard.spec.check.weights import Fault
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
from stackyard.spec.layers.sizes import DataFormat, spread

_TAPS = {"nearest": 0, "bilinear": 4, "bicubic": 16, "lanczos3": 36, "lanczos5": 100}
"""How many places around it an interpolated one is made of."""


def _flatten(_: Flatten, shape: Shape) -> Made:
    return Made((math.prod(shape),))


def _reshape(layer: Reshape, shape: Shape) -> Made | Fault:
    numbers, known = math.prod(shape), math.prod(size for size in layer.target_shape if size != -1)
    if known < 1 or numbers % known or (-1 not in layer.target_shape and known != numbers):
        wanted = f"expected sizes whose product is {numbers}, or divides it beside a -1"
        return Fault(f"{wanted}, for {rows(shape)}; received {list(layer.target_shape)}", ("target_shape",))
    return Made(tuple(numbers // known if size == -1 else size for size in layer.target_shape))


def _permute(layer: Permute, shape: Shape) -> Made | Fault:
    if len(layer.dims) != len(shape):
        message = f"expected {len(shape)} dims for {rows(shape)}, received {len(layer.dims)}"
        return Fault(message, ("dims",))
    return Made(tuple(shape[axis - 1] for axis in layer.dims))


def _repeat(layer: RepeatVector, shape: Shape) -> Made | Fault:
    return wrong_rank(shape, 1) or Made((layer.n, *shape))


def _cropping(layer: Cropping1D | Cropping2D | Cropping3D, shape: Shape) -> Made | Fault:
    data_format: DataFormat | None = getattr(layer, "data_format", None)
    ends = _ends(layer.cropping, layer.rank)
    if fault := wrong_rank(shape, layer.rank + 1):
        return fault
    places, channels = split(shape, data_format)
    for size, (begin, end) in zip(places, ends, strict=True):
        if begin + end >= size:
            message = f"expected less than {size} in all for an axis of that size of {rows(shape)}"
            return Fault(f"{message}, received {begin + end}", ("cropping",))
    left = tuple(size - begin - end for size, (begin, end) in zip(places, ends, strict=True))
    return Made(join(left, channels, data_format))


def _padding(layer: ZeroPadding1D | ZeroPadding2D | ZeroPadding3D, shape: Shape) -> Made | Fault:
    ends = _ends(layer.padding, layer.rank)
    if fault := wrong_rank(shape, layer.rank + 1):
        return fault
    places, channels = split(shape, layer.data_format)
    padded = tuple(size + begin + end for size, (begin, end) in zip(places, ends, strict=True))
    return Made(join(padded, channels, layer.data_format))


def _ends(given: int | tuple[Any, ...], axes: int) -> tuple[tuple[int, int], ...]:
    """Return how much lies at the two ends of each axis."""
    each_axis = (given,) if axes == 1 else spread(given, axes)
    return tuple((one, one) if isinstance(one, int) else (one[0], one[1]) for one in each_axis)


def _up_sampling(layer: UpSampling1D | UpSampling2D | UpSampling3D, shape: Shape) -> Made | Fault:
    if fault := wrong_rank(shape, layer.rank + 1):
        return fault
    data_format: DataFormat | None = getattr(layer, "data_format", None)
    places, channels = split(shape, data_format)
    larger = tuple(size * times for size, times in zip(places, spread(layer.size, layer.rank), strict=True))
    output = join(larger, channels, data_format)
    return Made(output, flops=each(output, 2 * _TAPS[getattr(layer, "interpolation", "nearest")]))


RULES: Rules = {
    Flatten: _flatten,
    Reshape: _reshape,
    Permute: _permute,
    RepeatVector: _repeat,
    Cropping1D: _cropping,
    Cropping2D: _cropping,
    Cropping3D: _cropping,
    ZeroPadding1D: _padding,
    ZeroPadding2D: _padding,
    ZeroPadding3D: _padding,
    UpSampling1D: _up_sampling,
    UpSampling2D: _up_sampling,
    UpSampling3D: _up_sampling,
}
