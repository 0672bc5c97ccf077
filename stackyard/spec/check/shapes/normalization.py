"""Layers that normalise."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.axes import positions
from stackyard.spec.check.shapes.layer_output import Made, Rules, each, rows
from stackyard.spec.check.weights import Fault, Weight
from stackyard.spec.layers import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)

_STATISTICS = 7
"""Sum, squared difference, difference, division, scale and shift: the mean and the variance are counted for all."""
_ROOT_MEAN_SQUARE = 4
"""Square, sum, division and scale."""


def _batch(layer: BatchNormalization, shape: Shape) -> Made | Fault:
    axes = positions(layer.axis, shape)
    if isinstance(axes, Fault):
        return axes
    sizes = (shape[axes[0]],)
    weights = [
        *_scale_and_shift(layer, sizes),
        Weight(sizes, "moving_mean", trainable=False),
        Weight(sizes, "moving_variance", trainable=False),
    ]
    if layer.renorm:
        weights += [Weight(sizes, trainable=False)] * 3
    return Made(shape, tuple(weights), each(shape, _STATISTICS))


def _layer(layer: LayerNormalization, shape: Shape) -> Made | Fault:
    axes = positions(layer.axis, shape)
    if isinstance(axes, Fault):
        return axes
    sizes = tuple(shape[axis] for axis in sorted(axes))
    return Made(shape, tuple(_scale_and_shift(layer, sizes)), each(shape, _STATISTICS))


def _group(layer: GroupNormalization, shape: Shape) -> Made | Fault:
    axes = positions(layer.axis, shape)
    if isinstance(axes, Fault):
        return axes
    channels = shape[axes[0]]
    if layer.groups != -1 and channels % layer.groups:
        message = f"expected a divisor of the {channels} channels of {rows(shape)}, or -1 for one group a channel"
        return Fault(f"{message}; received {layer.groups}", ("groups",))
    return Made(shape, tuple(_scale_and_shift(layer, (channels,))), each(shape, _STATISTICS))


def _scale_and_shift(
    layer: BatchNormalization | LayerNormalization | GroupNormalization, sizes: Shape
) -> list[Weight]:
    weights = [Weight(sizes, "gamma")] if layer.scale else []
    return [*weights, Weight(sizes, "beta")] if layer.center else weights


def _root_mean_square(layer: RMSNormalization, shape: Shape) -> Made | Fault:
    axes = positions(layer.axis, shape)
    if isinstance(axes, Fault):
        return axes
    # Keras sorts axes as they were written, and lays the scale over the last axes, whichever were asked for.
    written = (layer.axis,) if isinstance(layer.axis, int) else layer.axis
    sizes = tuple(shape[place] for _, place in sorted(zip(written, axes, strict=True)))
    if any(size not in (1, there) for size, there in zip(reversed(sizes), reversed(shape), strict=False)):
        last = "-1" if len(axes) == 1 else f"the last {len(axes)} axes in their order"
        return Fault(f"expected {last}, as Keras's scale fits no other of {rows(shape)}", ("axis",))
    return Made(shape, (Weight(sizes),), each(shape, _ROOT_MEAN_SQUARE))


def _unit(layer: UnitNormalization, shape: Shape) -> Made | Fault:
    axes = positions(layer.axis, shape)
    return axes if isinstance(axes, Fault) else Made(shape, flops=each(shape, 3))


RULES: Rules = {
    BatchNormalization: _batch,
    LayerNormalization: _layer,
    GroupNormalization: _group,
    RMSNormalization: _root_mean_square,
    UnitNormalization: _unit,
}
