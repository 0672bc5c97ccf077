"""Shape rules of pooling layers."""

import math

from stackyard.spec import layers
from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.layer_output import (
    LayerOutput,
    ShapeRules,
    count_operations,
    find_rank_fault,
    join_channels,
    split_channels,
)
from stackyard.spec.check.shapes.windows import count_window_steps
from stackyard.spec.check.weights import LayerFault
from stackyard.spec.layers.pooling import AdaptivePoolingBase, GlobalPoolingBase, PoolingBase
from stackyard.spec.layers.sizes import expand_sizes


def _infer_pooling(layer: PoolingBase, shape: Shape) -> LayerOutput | LayerFault:
    if fault := find_rank_fault(shape, layer.rank + 1):
        return fault
    sizes, channels = split_channels(shape, layer.data_format)
    window = expand_sizes(layer.pool_size, layer.rank)
    strides = window if layer.strides is None else expand_sizes(layer.strides, layer.rank)
    steps = count_window_steps(sizes, window, strides, layer.padding, "pool_size")
    if isinstance(steps, LayerFault):
        return steps
    output = join_channels(steps, channels, layer.data_format)
    return LayerOutput(output, flops=count_operations(output, math.prod(window)))


def _infer_global_pooling(layer: GlobalPoolingBase, shape: Shape) -> LayerOutput | LayerFault:
    if fault := find_rank_fault(shape, layer.rank + 1):
        return fault
    _, channels = split_channels(shape, layer.data_format)
    ones = (1,) * layer.rank if layer.keepdims else ()
    return LayerOutput(join_channels(ones, channels, layer.data_format), flops=count_operations(shape))


def _infer_adaptive_pooling(layer: AdaptivePoolingBase, shape: Shape) -> LayerOutput | LayerFault:
    """Keras pools with windows of two widths and then selects; both widths must fit, even if only one is used."""
    if fault := find_rank_fault(shape, layer.rank + 1):
        return fault
    sizes, channels = split_channels(shape, layer.data_format)
    output_sizes = expand_sizes(layer.output_size, layer.rank)
    widths = tuple(-(-size // output_size) + 1 for size, output_size in zip(sizes, output_sizes, strict=True))
    for size, output_size, width in zip(sizes, output_sizes, widths, strict=True):
        if width > size:
            global_type = layer.type.replace("Adaptive", "Global")
            message = f"expected a size whose windows are shorter than the axis of {size}, received {output_size}"
            return LayerFault(message, ("output_size",), f"for one mean or maximum of all take {global_type}")
    output = join_channels(output_sizes, channels, layer.data_format)
    return LayerOutput(output, flops=count_operations(output, math.prod(widths)))


RULES: ShapeRules = {
    layers.MaxPooling1D: _infer_pooling,
    layers.MaxPooling2D: _infer_pooling,
    layers.MaxPooling3D: _infer_pooling,
    layers.AveragePooling1D: _infer_pooling,
    layers.AveragePooling2D: _infer_pooling,
    layers.AveragePooling3D: _infer_pooling,
    layers.GlobalMaxPooling1D: _infer_global_pooling,
    layers.GlobalMaxPooling2D: _infer_global_pooling,
    layers.GlobalMaxPooling3D: _infer_global_pooling,
    layers.GlobalAveragePooling1D: _infer_global_pooling,
    layers.GlobalAveragePooling2D: _infer_global_pooling,
    layers.GlobalAveragePooling3D: _infer_global_pooling,
    layers.AdaptiveMaxPooling1D: _infer_adaptive_pooling,
    layers.AdaptiveMaxPooling2D: _infer_adaptive_pooling,
    layers.AdaptiveMaxPooling3D: _infer_adaptive_pooling,
    layers.AdaptiveAveragePooling1D: _infer_adaptive_pooling,
    layers.AdaptiveAveragePooling2D: _infer_adaptive_pooling,
    layers.AdaptiveAveragePooling3D: _infer_adaptive_pooling,
}
