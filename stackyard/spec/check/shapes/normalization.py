"""Shape rules of normalization layers."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.axes import resolve_axes
from stackyard.spec.check.shapes.layer_output import LayerOutput, ShapeRules, count_operations, format_rows
from stackyard.spec.check.weights import LayerFault, Weight
from stackyard.spec.layers import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)

_STATISTICS = 7
"""Operations on each value: two sums, a squared difference, a difference, a division, a scale and a shift.

BatchNormalization counts as much, though it computes the mean and the variance only in training.
"""
_ROOT_MEAN_SQUARE = 4
"""Square, sum, division and scale of each value."""


def _infer_batch_normalization(layer: BatchNormalization, shape: Shape) -> LayerOutput | LayerFault:
    axes = resolve_axes(layer.axis, shape)
    if isinstance(axes, LayerFault):
        return axes
    sizes = (shape[axes[0]],)
    weights = [
        *_build_scale_and_shift(layer, sizes),
        Weight(sizes, "moving_mean", trainable=False),
        Weight(sizes, "moving_variance", trainable=False),
    ]
    if layer.renorm:
        weights += [Weight(sizes, trainable=False)] * 3
    return LayerOutput(shape, tuple(weights), count_operations(shape, _STATISTICS))


def _infer_layer_normalization(layer: LayerNormalization, shape: Shape) -> LayerOutput | LayerFault:
    axes = resolve_axes(layer.axis, shape)
    if isinstance(axes, LayerFault):
        return axes
    sizes = tuple(shape[axis] for axis in sorted(axes))
    return LayerOutput(shape, tuple(_build_scale_and_shift(layer, sizes)), count_operations(shape, _STATISTICS))


def _infer_group_normalization(layer: GroupNormalization, shape: Shape) -> LayerOutput | LayerFault:
    axes = resolve_axes(layer.axis, shape)
    if isinstance(axes, LayerFault):
        return axes
    channels = shape[axes[0]]
    if layer.groups != -1 and channels % layer.groups:
        message = (
            f"expected a divisor of the {channels} channels of {format_rows(shape)}, or -1 for one group a channel"
        )
        return LayerFault(f"{message}; received {layer.groups}", ("groups",))
    return LayerOutput(shape, tuple(_build_scale_and_shift(layer, (channels,))), count_operations(shape, _STATISTICS))


def _build_scale_and_shift(
    layer: BatchNormalization | LayerNormalization | GroupNormalization, sizes: Shape
) -> list[Weight]:
    weights = [Weight(sizes, "gamma")] if layer.scale else []
    return [*weights, Weight(sizes, "beta")] if layer.center else weights


def _infer_rms_normalization(layer: RMSNormalization, shape: Shape) -> LayerOutput | LayerFault:
    axes = resolve_axes(layer.axis, shape)
    if isinstance(axes, LayerFault):
        return axes
    # Keras sorts the axes as the spec writes them, and applies the scale to the last axes, whichever the spec names.
    written_axes = (layer.axis,) if isinstance(layer.axis, int) else layer.axis
    sizes = tuple(shape[index] for _, index in sorted(zip(written_axes, axes, strict=True)))
    if any(size not in (1, other) for size, other in zip(reversed(sizes), reversed(shape), strict=False)):
        expected = "-1" if len(axes) == 1 else f"the last {len(axes)} axes in their order"
        return LayerFault(f"expected {expected}, as Keras's scale fits no other of {format_rows(shape)}", ("axis",))
    return LayerOutput(shape, (Weight(sizes),), count_operations(shape, _ROOT_MEAN_SQUARE))


def _infer_unit_normalization(layer: UnitNormalization, shape: Shape) -> LayerOutput | LayerFault:
    axes = resolve_axes(layer.axis, shape)
    return axes if isinstance(axes, LayerFault) else LayerOutput(shape, flops=count_operations(shape, 3))


RULES: ShapeRules = {
    BatchNormalization: _infer_batch_normalization,
    LayerNormalization: _infer_layer_normalization,
    GroupNormalization: _infer_group_normalization,
    RMSNormalization: _infer_rms_normalization,
    UnitNormalization: _infer_unit_normalization,
}
