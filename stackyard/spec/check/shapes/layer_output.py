"""What a rule gives, and what many rules ask."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stackyard.spec.base import Part
from stackyard.spec.check.report import Shape
from stackyard.spec.check.weights import Fault, Weight
from stackyard.spec.layers.sizes import DataFormat


@dataclass(frozen=True)
class Made:
    """What a layer makes: the output's shape and the weights, in Keras's order.

    `flops` estimates the floating-point operations of one row's forward pass. A multiplication and the addition after
    it count 2; any other operation on a number, an activation's exponential too, counts 1; moving numbers, none.
    """

    shape: Shape
    weights: tuple[Weight, ...] = ()
    flops: int = 0

    def parameters(self, *, trainable: bool | None = None) -> int:
        """How many numbers the weights hold, all or only the trainable or the other ones."""
        return sum(weight.size for weight in self.weights if trainable in (None, weight.trainable))


Rule = Callable[[Any, Shape], Made | Fault]
Rules = Mapping[type[Part], Rule]


def each(shape: Shape, operations: int = 1) -> int:
    """Return what so many operations on each number cost."""
    return operations * math.prod(shape)


def elementwise(_: Part, shape: Shape) -> Made:
    """Change each number by itself."""
    return Made(shape, flops=each(shape))


def wrong_rank(shape: Shape, axes: int) -> Fault | None:
    """Return what is wrong with rows that do not have so many axes, and how to give them as many."""
    if len(shape) == axes:
        return None
    fix = f"put a Reshape to {axes} axes before it" if axes > 1 else "put a Flatten before it"
    words = "axis" if axes == 1 else "axes"
    return Fault(f"expected rows of {axes} {words}, received {rows(shape)}", fix=fix)


def rows(shape: Shape) -> str:
    """Return how a message names rows."""
    return f"rows of shape {list(shape)}" if shape else "single numbers"


def split(shape: Shape, data_format: DataFormat | None) -> tuple[Shape, int]:
    """Return the sizes of the places and the number of channels, wherever those lie."""
    return (shape[1:], shape[0]) if data_format == "channels_first" else (shape[:-1], shape[-1])


def join(places: Shape, channels: int, data_format: DataFormat | None) -> Shape:
    """Return the shape that `split` would take apart."""
    return (channels, *places) if data_format == "channels_first" else (*places, channels)
