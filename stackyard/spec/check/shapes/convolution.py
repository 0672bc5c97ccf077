"""Shape rules of convolutions."""

import math

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.activation import (
    count_activation_flops,
    find_activation_fault,
    find_activity_regularizer_fault,
)
from stackyard.spec.check.shapes.layer_output import (
    LayerOutput,
    ShapeRules,
    count_operations,
    find_rank_fault,
    join_channels,
    split_channels,
)
from stackyard.spec.check.shapes.windows import count_window_steps
from stackyard.spec.check.weights import LayerFault, Weight
from stackyard.spec.layers import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from stackyard.spec.layers.convolution import ConvolutionBase, TransposedConvolutionBase
from stackyard.spec.layers.depthwise import DepthwiseConvolutionBase, SeparableConvolutionBase
from stackyard.spec.layers.sizes import expand_sizes

_AnyConvolution = ConvolutionBase | TransposedConvolutionBase | DepthwiseConvolutionBase | SeparableConvolutionBase


def _infer_convolution(layer: ConvolutionBase, shape: Shape) -> LayerOutput | LayerFault:
    """Count 2 operations for each value of the kernel at each output position, and one for the bias."""
    if fault := find_rank_fault(shape, layer.rank + 1):
        return fault
    sizes, channels = split_channels(shape, layer.data_format)
    if channels % layer.groups:
        message = f"expected a divisor of the {channels} channels, received {layer.groups}"
        return LayerFault(message, ("groups",))
    steps = _count_steps(layer, sizes)
    if isinstance(steps, LayerFault):
        return steps
    kernel = (*expand_sizes(layer.kernel_size, layer.rank), channels // layer.groups, layer.filters)
    weights = [Weight(kernel, "kernel"), *_build_bias(layer, layer.filters)]
    return _build_output(layer, steps, layer.filters, weights, 2 * count_operations(kernel) * math.prod(steps))


def _count_steps(
    layer: ConvolutionBase | DepthwiseConvolutionBase | SeparableConvolutionBase, sizes: Shape
) -> Shape | LayerFault:
    kernel_sizes, gaps = expand_sizes(layer.kernel_size, layer.rank), expand_sizes(layer.dilation_rate, layer.rank)
    window = tuple(gap * (size - 1) + 1 for size, gap in zip(kernel_sizes, gaps, strict=True))
    return count_window_steps(sizes, window, expand_sizes(layer.strides, layer.rank), layer.padding, "kernel_size")


def _build_bias(layer: _AnyConvolution, channels: int) -> list[Weight]:
    return [Weight((channels,), "bias")] if layer.use_bias else []


def _build_output(
    layer: _AnyConvolution, steps: Shape, channels: int, weights: list[Weight], flops: int
) -> LayerOutput | LayerFault:
    output = join_channels(steps, channels, layer.data_format)
    if fault := find_activation_fault(layer.activation, output) or find_activity_regularizer_fault(
        layer.activity_regularizer, output
    ):
        return fault
    flops += count_operations(output, int(layer.use_bias)) + count_activation_flops(layer.activation, output)
    return LayerOutput(output, tuple(weights), flops)


def _infer_transposed(layer: TransposedConvolutionBase, shape: Shape) -> LayerOutput | LayerFault:
    """Count the operations of the reverse convolution: its output positions are the input positions of this layer."""
    if fault := find_rank_fault(shape, layer.rank + 1):
        return fault
    sizes, channels = split_channels(shape, layer.data_format)
    kernel_sizes, strides = expand_sizes(layer.kernel_size, layer.rank), expand_sizes(layer.strides, layer.rank)
    paddings = (None,) * layer.rank if layer.output_padding is None else expand_sizes(layer.output_padding, layer.rank)
    if layer.padding == "same" and any(
        padding == 0 and not width % 2 for padding, width in zip(paddings, kernel_sizes, strict=True)
    ):
        message = 'expected null, or at least 1 with a kernel of even size and the padding "same"; received 0'
        return LayerFault(message, ("output_padding",))
    steps = tuple(
        _transpose_size(size, width, stride, padding, layer.padding)
        for size, width, stride, padding in zip(sizes, kernel_sizes, strides, paddings, strict=True)
    )
    kernel = (*kernel_sizes, layer.filters, channels)
    weights = [Weight(kernel, "kernel"), *_build_bias(layer, layer.filters)]
    return _build_output(layer, steps, layer.filters, weights, 2 * count_operations(kernel) * math.prod(sizes))


def _transpose_size(size: int, kernel_size: int, stride: int, output_padding: int | None, padding: str) -> int:
    """Return the output size of an axis in a transposed convolution, by the formula of keras.ops.conv_transpose."""
    if padding == "same":
        return size * stride if output_padding is None else (size - 1) * stride + kernel_size % 2 + output_padding
    last = max(kernel_size, stride) if output_padding is None else kernel_size + output_padding
    return (size - 1) * stride + last


def _infer_depthwise(layer: DepthwiseConvolutionBase, shape: Shape) -> LayerOutput | LayerFault:
    if fault := find_rank_fault(shape, layer.rank + 1):
        return fault
    sizes, channels = split_channels(shape, layer.data_format)
    steps = _count_steps(layer, sizes)
    if isinstance(steps, LayerFault):
        return steps
    kernel = (*expand_sizes(layer.kernel_size, layer.rank), channels, layer.depth_multiplier)
    output_channels = channels * layer.depth_multiplier
    weights = [Weight(kernel, "depthwise"), *_build_bias(layer, output_channels)]
    return _build_output(layer, steps, output_channels, weights, 2 * count_operations(kernel) * math.prod(steps))


def _infer_separable(layer: SeparableConvolutionBase, shape: Shape) -> LayerOutput | LayerFault:
    if fault := find_rank_fault(shape, layer.rank + 1):
        return fault
    sizes, channels = split_channels(shape, layer.data_format)
    steps = _count_steps(layer, sizes)
    if isinstance(steps, LayerFault):
        return steps
    depthwise = (*expand_sizes(layer.kernel_size, layer.rank), channels, layer.depth_multiplier)
    pointwise = (*(1,) * layer.rank, channels * layer.depth_multiplier, layer.filters)
    weights = [
        Weight(depthwise, "depthwise"),
        Weight(pointwise, "pointwise"),
        *_build_bias(layer, layer.filters),
    ]
    flops = 2 * (count_operations(depthwise) + count_operations(pointwise)) * math.prod(steps)
    return _build_output(layer, steps, layer.filters, weights, flops)


RULES: ShapeRules = {
    Conv1D: _infer_convolution,
    Conv2D: _infer_convolution,
    Conv3D: _infer_convolution,
    Conv1DTranspose: _infer_transposed,
    Conv2DTranspose: _infer_transposed,
    Conv3DTranspose: _infer_transposed,
    DepthwiseConv1D: _infer_depthwise,
    DepthwiseConv2D: _infer_depthwise,
    SeparableConv1D: _infer_separable,
    SeparableConv2D: _infer_separable,
}
