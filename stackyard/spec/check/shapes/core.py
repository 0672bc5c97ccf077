"""Keras's core layers, and those that scale by given numbers."""

import math

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.activation import activation_fault, activation_flops, activity_fault
from stackyard.spec.check.shapes.axes import positions
from stackyard.spec.check.shapes.layer_output import Made, Rules, each, rows
from stackyard.spec.check.weights import Fault, Weight
from stackyard.spec.layers import Dense, Embedding, Identity, Masking, Normalization, Rescaling


def _dense(layer: Dense, shape: Shape) -> Made | Fault:
    if not shape:
        return Fault("expected rows of at least one axis, received single numbers", fix="put a Flatten before it")
    output = (*shape[:-1], layer.units)
    if fault := activation_fault(layer.activation, output) or activity_fault(layer.activity_regularizer, output):
        return fault
    kernel = (shape[-1], layer.units)
    bias = [Weight((layer.units,), "bias")] if layer.use_bias else []
    weights, more = _adapted(kernel, "kernel", bias, layer.lora_rank)
    flops = each(output, 2 * shape[-1] + layer.use_bias) + more + activation_flops(layer.activation, output)
    return Made(output, weights, flops)


def _embedding(layer: Embedding, shape: Shape) -> Made:
    table = (layer.input_dim, layer.output_dim)
    weights, flops = _adapted(table, "embeddings", [], layer.lora_rank)
    return Made((*shape, layer.output_dim), weights, flops)


def _adapted(sizes: Shape, role: str, more: list[Weight], lora_rank: int | None) -> tuple[tuple[Weight, ...], int]:
    """Return a weight and `more`, and where it has a low-rank adapter that and the cost of adding it."""
    if lora_rank is None:
        return (Weight(sizes, role), *more), 0
    adapter = (Weight((sizes[0], lora_rank)), Weight((lora_rank, sizes[1])))
    return (Weight(sizes, role, trainable=False), *more, *adapter), each(sizes, 2 * lora_rank + 2)


def _identity(_: Identity, shape: Shape) -> Made:
    return Made(shape)


def _masking(_: Masking, shape: Shape) -> Made | Fault:
    if not shape:
        return Fault("expected rows of at least one axis, received single numbers", fix="put a Flatten before it")
    return Made(shape, flops=each(shape, 2))


def _rescaling(layer: Rescaling, shape: Shape) -> Made | Fault:
    for name, numbers in (("scale", layer.scale), ("offset", layer.offset)):
        if fault := _too_many(numbers, shape[-1:], name, shape):
            return fault
    return Made(shape, flops=each(shape, 2))


def _normalization(layer: Normalization, shape: Shape) -> Made | Fault:
    axes = () if layer.axis is None else positions(layer.axis, shape)
    if isinstance(axes, Fault):
        return axes
    kept = (shape[max(axes)],) if axes else ()
    return _too_many(layer.mean, kept, "mean", shape) or Made(shape, flops=each(shape, 2))


def _too_many(numbers: float | tuple[float, ...] | None, size: Shape, at: str, shape: Shape) -> Fault | None:
    """Return what is wrong with a list that has not one number for each place along an axis of `size`."""
    if not isinstance(numbers, tuple) or (size and len(numbers) in (1, math.prod(size))):
        return None
    wanted = f"expected one number, or a list of {size[0]}" if size else "expected one number"
    return Fault(f"{wanted} for {rows(shape)}, received a list of {len(numbers)}", (at,))


RULES: Rules = {
    Dense: _dense,
    Embedding: _embedding,
    Identity: _identity,
    Masking: _masking,
    Rescaling: _rescaling,
    Normalization: _normalization,
}
