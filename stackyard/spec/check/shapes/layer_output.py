"""The output that a shape rule returns, and helpers that many rules share."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stackyard.spec.base import SpecModel
from stackyard.spec.check.report import Shape
from stackyard.spec.check.weights import LayerFault, Weight
from stackyard.spec.layers.sizes import DataFormat


@dataclass(frozen=True)
class LayerOutput:
    """The output shape of a layer and its weights, in Keras's order.

    `flops` estimates the floating-point operations of one row's forward pass. A multiplication and the addition after
    it count 2. Any other operation on a value counts 1, also an activation's exponential. Moving values counts 0.
    """

    shape: Shape
    weights: tuple[Weight, ...] = ()
    flops: int = 0

    def count_parameters(self, *, trainable: bool | None = None) -> int:
        """Return the number of values of all weights, or only of the trainable or the non-trainable ones."""
        return sum(weight.size for weight in self.weights if trainable in (None, weight.trainable))


ShapeRule = Callable[[Any, Shape], LayerOutput | LayerFault]
"""Takes a layer and the shape of its input rows; returns the layer's output, or its fault."""

ShapeRules = Mapping[type[SpecModel], ShapeRule]


def count_operations(shape: Shape, per_value: int = 1) -> int:
    """Return the number of operations when each value of `shape` takes `per_value` of them."""
    return per_value * math.prod(shape)


def infer_elementwise(_: SpecModel, shape: Shape) -> LayerOutput:
    """Return the output of a layer that changes each value by itself."""
    return LayerOutput(shape, flops=count_operations(shape))


def find_rank_fault(shape: Shape, rank: int) -> LayerFault | None:
    """Return the fault of rows that do not have `rank` axes, with a layer that would reshape them as its fix."""
    if len(shape) == rank:
        return None
    fix = f"put a Reshape to {rank} axes before it" if rank > 1 else "put a Flatten before it"
    unit = "axis" if rank == 1 else "axes"
    return LayerFault(f"expected rows of {rank} {unit}, received {format_rows(shape)}", fix=fix)


def format_rows(shape: Shape) -> str:
    """Return the words for rows of `shape` in a message."""
    return f"rows of shape {list(shape)}" if shape else "single numbers"


def split_channels(shape: Shape, data_format: DataFormat | None) -> tuple[Shape, int]:
    """Return the sizes of the spatial axes, and the number of channels."""
    return (shape[1:], shape[0]) if data_format == "channels_first" else (shape[:-1], shape[-1])


def join_channels(sizes: Shape, channels: int, data_format: DataFormat | None) -> Shape:
    """Return the shape with these spatial sizes and channels: the inverse of `split_channels`."""
    return (channels, *sizes) if data_format == "channels_first" else (*sizes, channels)
