"""Convolutions."""

import math

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.activation import activation_fault, activation_flops, activity_fault
from stackyard.spec.check.shapes.layer_output import Made, Rules, each, join, split, wrong_rank
from stackyard.spec.check.shapes.windows import slide
from stackyard.spec.check.weights import Fault, Weight
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
from stackyard.spec.layers.convolution import ConvolutionBase, TransposedBase
from stackyard.spec.layers.depthwise import DepthwiseBase, SeparableBase
from stackyard.spec.layers.sizes import spread

_AnyConvolution = ConvolutionBase | TransposedBase | DepthwiseBase | SeparableBase


def _convolution(layer: ConvolutionBase, shape: Shape) -> Made | Fault:
    """2 operations for each number of the kernel at each place, and one for the bias."""
    if fault := wrong_rank(shape, layer.rank + 1):
        return fault
    places, channels = split(shape, layer.data_format)
    if channels % layer.groups:
        message = f"expected a divisor of the {channels} channels, received {layer.groups}"
        return Fault(message, ("groups",))
    steps = _steps(layer, places)
    if isinstance(steps, Fault):
        return steps
    kernel = (*spread(layer.kernel_size, layer.rank), channels // layer.groups, layer.filters)
    weights = [Weight(kernel, "kernel"), *_bias(layer, layer.filters)]
    return _made(layer, steps, layer.filters, weights, 2 * each(kernel) * math.prod(steps))


def _steps(layer: ConvolutionBase | DepthwiseBase | SeparableBase, places: Shape) -> Shape | Fault:
    sizes, gaps = spread(layer.kernel_size, layer.rank), spread(layer.dilation_rate, layer.rank)
    window = tuple(gap * (size - 1) + 1 for size, gap in zip(sizes, gaps, strict=True))
    return slide(places, window, spread(layer.strides, layer.rank), layer.padding, "kernel_size")


def _bias(layer: _AnyConvolution, outputs: int) -> list[Weight]:
    return [Weight((outputs,), "bias")] if layer.use_bias else []


def _made(layer: _AnyConvolution, steps: Shape, outputs: int, weights: list[Weight], flops: int) -> Made | Fault:
    output = join(steps, outputs, layer.data_format)
    if fault := activation_fault(layer.activation, output) or activity_fault(layer.activity_regularizer, output):
        return fault
    flops += each(output, int(layer.use_bias)) + activation_flops(layer.activation, output)
    return Made(output, tuple(weights), flops)


def _transposed(layer: TransposedBase, shape: Shape) -> Made | Fault:
    """As the convolution that leads back, whose places are this one's input."""
    if fault := wrong_rank(shape, layer.rank + 1):
        return fault
    places, channels = split(shape, layer.data_format)
    sizes, strides = spread(layer.kernel_size, layer.rank), spread(layer.strides, layer.rank)
    extra = (None,) * layer.rank if layer.output_padding is None else spread(layer.output_padding, layer.rank)
    if layer.padding == "same" and any(more == 0 and not size % 2 for more, size in zip(extra, sizes, strict=True)):
        message = 'expected null, or at least 1 beside a kernel of even size and the padding "same"; received 0'
        return Fault(message, ("output_padding",))
    steps = tuple(
        _grown(place, size, stride, more, layer.padding)
        for place, size, stride, more in zip(places, sizes, strides, extra, strict=True)
    )
    kernel = (*sizes, layer.filters, channels)
    weights = [Weight(kernel, "kernel"), *_bias(layer, layer.filters)]
    return _made(layer, steps, layer.filters, weights, 2 * each(kernel) * math.prod(places))


def _grown(place: int, size: int, stride: int, more: int | None, padding: str) -> int:
    """Return the length that a transposed convolution makes of `place`, as keras.ops.conv_transpose has it."""
    if padding == "same":
        return place * stride if more is None else (place - 1) * stride + size % 2 + more
    return (place - 1) * stride + (max(size, stride) if more is None else size + more)


def _depthwise(layer: DepthwiseBase, shape: Shape) -> Made | Fault:
    if fault := wrong_rank(shape, layer.rank + 1):
        return fault
    places, channels = split(shape, layer.data_format)
    steps = _steps(layer, places)
    if isinstance(steps, Fault):
        return steps
    kernel = (*spread(layer.kernel_size, layer.rank), channels, layer.depth_multiplier)
    outputs = channels * layer.depth_multiplier
    weights = [Weight(kernel, "depthwise"), *_bias(layer, outputs)]
    return _made(layer, steps, outputs, weights, 2 * each(kernel) * math.prod(steps))


def _separable(layer: SeparableBase, shape: Shape) -> Made | Fault:
    if fault := wrong_rank(shape, layer.rank + 1):
        return fault
    places, channels = split(shape, layer.data_format)
    steps = _steps(layer, places)
    if isinstance(steps, Fault):
        return steps
    depthwise = (*spread(layer.kernel_size, layer.rank), channels, layer.depth_multiplier)
    pointwise = (*(1,) * layer.rank, channels * layer.depth_multiplier, layer.filters)
    weights = [Weight(depthwise, "depthwise"), Weight(pointwise, "pointwise"), *_bias(layer, layer.filters)]
    return _made(layer, steps, layer.filters, weights, 2 * (each(depthwise) + each(pointwise)) * math.prod(steps))


RULES: Rules = {
    Conv1D: _convolution,
    Conv2D: _convolution,
    Conv3D: _convolution,
    Conv1DTranspose: _transposed,
    Conv2DTranspose: _transposed,
    Conv3DTranspose: _transposed,
    DepthwiseConv1D: _depthwise,
    DepthwiseConv2D: _depthwise,
    SeparableConv1D: _separable,
    SeparableConv2D: _separable,
}
