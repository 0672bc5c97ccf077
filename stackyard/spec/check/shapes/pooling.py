"""Layers that take the largest or the mean of several places."""

import math

from stackyard.spec import layers
from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import Made, Rules, each, join, split, wrong_rank
from stackyard.spec.check.shapes.windows import slide
from stackyard.spec.check.weights import Fault
from stackyard.spec.layers.pooling import AdaptivePoolingBase, GlobalPoolingBase, PoolingBase
from stackyard.spec.layers.sizes import spread


def _pooling(layer: PoolingBase, shape: Shape) -> Made | Fault:
    if fault := wrong_rank(shape, layer.rank + 1):
        return fault
    places, channels = split(shape, layer.data_format)
    window = spread(layer.pool_size, layer.rank)
    strides = window if layer.strides is None else spread(layer.strides, layer.rank)
    steps = slide(places, window, strides, layer.padding, "pool_size")
    if isinstance(steps, Fault):
        return steps
    output = join(steps, channels, layer.data_format)
    return Made(output, flops=each(output, math.prod(window)))


def _global(layer: GlobalPoolingBase, shape: Shape) -> Made | Fault:
    if fault := wrong_rank(shape, layer.rank + 1):
        return fault
    _, channels = split(shape, layer.data_format)
    ones = (1,) * layer.rank if layer.keepdims else ()
    return Made(join(ones, channels, layer.data_format), flops=each(shape))


def _adaptive(layer: AdaptivePoolingBase, shape: Shape) -> Made | Fault:
    """Keras pools every window of two widths, then picks: both have to fit, though one may not be needed."""
    if fault := wrong_rank(shape, layer.rank + 1):
        return fault
    places, channels = split(shape, layer.data_format)
    sizes = spread(layer.output_size, layer.rank)
    widths = tuple(-(-place // size) + 1 for place, size in zip(places, sizes, strict=True))
    for place, size, width in zip(places, sizes, widths, strict=True):
        if width > place:
            instead = layer.type.replace("Adaptive", "Global")
            message = f"expected a size whose windows are shorter than the axis of {place}, received {size}"
            return Fault(message, ("output_size",), f"for one mean or maximum of all take {instead}")
    output = join(sizes, channels, layer.data_format)
    return Made(output, flops=each(output, math.prod(widths)))


RULES: Rules = {
    layers.MaxPooling1D: _pooling,
    layers.MaxPooling2D: _pooling,
    layers.MaxPooling3D: _pooling,
    layers.AveragePooling1D: _pooling,
    layers.AveragePooling2D: _pooling,
    layers.AveragePooling3D: _pooling,
    layers.GlobalMaxPooling1D: _global,
    layers.GlobalMaxPooling2D: _global,
    layers.GlobalMaxPooling3D: _global,
    layers.GlobalAveragePooling1D: _global,
    layers.GlobalAveragePooling2D: _global,
    layers.GlobalAveragePooling3D: _global,
    layers.AdaptiveMaxPooling1D: _adaptive,
    layers.AdaptiveMaxPooling2D: _adaptive,
    layers.AdaptiveMaxPooling3D: _adaptive,
    layers.AdaptiveAveragePooling1D: _adaptive,
    layers.AdaptiveAveragePooling2D: _adaptive,
    layers.AdaptiveAveragePooling3D: _adaptive,
}
