"""Shape rules of Keras's core layers, and of Rescaling and Normalization."""

import math

from stackyard.spec.check.report import Shape
from stackyard.spec.check.shapes.activation import (
    count_activation_flops,
    find_activation_fault,
    find_activity_regularizer_fault,
)
from stackyard.spec.check.shapes.axes import resolve_axes
from stackyard.spec.check.shapes.layer_output import LayerOutput, ShapeRules, count_operations, format_rows
from stackyard.spec.check.weights import LayerFault, Weight
from stackyard.spec.layers import Dense, Embedding, Identity, Masking, Normalization, Rescaling

_NO_AXES = LayerFault("expected rows of at least one axis, received single numbers", fix="put a Flatten before it")


def _infer_dense(layer: Dense, shape: Shape) -> LayerOutput | LayerFault:
    if not shape:
        return _NO_AXES
    output = (*shape[:-1], layer.units)
    if fault := find_activation_fault(layer.activation, output) or find_activity_regularizer_fault(
        layer.activity_regularizer, output
    ):
        return fault
    kernel = (shape[-1], layer.units)
    bias = [Weight((layer.units,), "bias")] if layer.use_bias else []
    weights, adapter_flops = _build_adapted_weights(kernel, "kernel", bias, layer.lora_rank)
    flops = count_operations(output, 2 * shape[-1] + layer.use_bias) + adapter_flops
    return LayerOutput(output, weights, flops + count_activation_flops(layer.activation, output))


def _infer_embedding(layer: Embedding, shape: Shape) -> LayerOutput:
    embeddings = (layer.input_dim, layer.output_dim)
    weights, flops = _build_adapted_weights(embeddings, "embeddings", [], layer.lora_rank)
    return LayerOutput((*shape, layer.output_dim), weights, flops)


def _build_adapted_weights(
    sizes: Shape, role: str, other_weights: list[Weight], lora_rank: int | None
) -> tuple[tuple[Weight, ...], int]:
    """Return a matrix, the other weights and its low-rank adapter, if any, and the operations that add the adapter."""
    if lora_rank is None:
        return (Weight(sizes, role), *other_weights), 0
    adapter = (Weight((sizes[0], lora_rank)), Weight((lora_rank, sizes[1])))
    return (Weight(sizes, role, trainable=False), *other_weights, *adapter), count_operations(sizes, 2 * lora_rank + 2)


def _infer_identity(_: Identity, shape: Shape) -> LayerOutput:
    return LayerOutput(shape)


def _infer_masking(_: Masking, shape: Shape) -> LayerOutput | LayerFault:
    return LayerOutput(shape, flops=count_operations(shape, 2)) if shape else _NO_AXES


def _infer_rescaling(layer: Rescaling, shape: Shape) -> LayerOutput | LayerFault:
    for argument, numbers in (("scale", layer.scale), ("offset", layer.offset)):
        if fault := _find_length_fault(numbers, shape[-1:], argument, shape):
            return fault
    return LayerOutput(shape, flops=count_operations(shape, 2))


def _infer_normalization(layer: Normalization, shape: Shape) -> LayerOutput | LayerFault:
    axes = () if layer.axis is None else resolve_axes(layer.axis, shape)
    if isinstance(axes, LayerFault):
        return axes
    sizes = (shape[max(axes)],) if axes else ()
    return _find_length_fault(layer.mean, sizes, "mean", shape) or LayerOutput(shape, flops=count_operations(shape, 2))


def _find_length_fault(
    numbers: float | tuple[float, ...] | None, sizes: Shape, argument: str, shape: Shape
) -> LayerFault | None:
    """Return the fault of a list that does not have one number, or one for each index of an axis of `sizes`."""
    if not isinstance(numbers, tuple) or (sizes and len(numbers) in (1, math.prod(sizes))):
        return None
    expected = f"expected one number, or a list of {sizes[0]}" if sizes else "expected one number"
    return LayerFault(f"{expected} for {format_rows(shape)}, received a list of {len(numbers)}", (argument,))


RULES: ShapeRules = {
    Dense: _infer_dense,
    Embedding: _infer_embedding,
    Identity: _infer_identity,
    Masking: _infer_masking,
    Rescaling: _infer_rescaling,
    Normalization: _infer_normalization,
}
