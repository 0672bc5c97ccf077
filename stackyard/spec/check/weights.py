"""Check the initializers, regularizers and constraints of a layer against the shapes of its weights."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from stackyard.spec.check.report import Shape
from stackyard.spec.layers import Layer
from stackyard.spec.network.constraints import Constraint, MaxNorm, MinMaxNorm, UnitNorm
from stackyard.spec.network.initializers import Identity, Initializer, Orthogonal
from stackyard.spec.network.regularizers import OrthogonalRegularizer, Regularizer
from stackyard.spec.reading.json_pointers import PathSegment


@dataclass(frozen=True)
class LayerFault:
    """A fault of a layer; `path` leads from the layer to the faulty argument."""

    message: str
    path: tuple[PathSegment, ...] = ()
    fix: str | None = None


@dataclass(frozen=True)
class Weight:
    """A weight of a layer.

    `role` is the prefix of its arguments' names, as in `kernel_initializer`, or empty if it has no arguments.
    """

    shape: Shape
    role: str = ""
    trainable: bool = True

    @property
    def size(self) -> int:
        """The number of values."""
        return math.prod(self.shape)


def find_weight_faults(layer: Layer, weight: Weight) -> Iterator[LayerFault]:
    """Yield a fault for each argument of `weight` that does not fit its shape."""
    if not weight.role:
        return
    rules = {
        "initializer": _check_initializer,
        "regularizer": _check_regularizer,
        "constraint": _check_constraint,
    }
    for suffix, rule in rules.items():
        argument = f"{weight.role}_{suffix}"
        value = getattr(layer, argument, None)
        if value is not None and (mismatch := rule(value, weight.shape)):
            path, expected = mismatch
            message = f"expected {expected} for {weight.role} of shape {list(weight.shape)}, received {value.type}"
            yield LayerFault(message, (argument, *path))


_Mismatch = tuple[tuple[PathSegment, ...], str]
"""The path from the argument, and the value that was expected there."""


def _check_initializer(initializer: Initializer, shape: Shape) -> _Mismatch | None:
    rank = len(shape)
    if isinstance(initializer, Identity) and rank != 2:  # noqa: PLR2004  # a matrix
        return (), "an initializer of any shape"
    if isinstance(initializer, Orthogonal) and rank < 2:  # noqa: PLR2004  # a matrix
        return (), "an initializer of any shape"
    for name in ("input_axes", "output_axes"):
        axes: tuple[int, ...] = getattr(initializer, name, None) or ()
        for index, axis in enumerate(axes):
            if not -rank <= axis < rank:
                return (name, index), f"an axis from {-rank} to {rank - 1}"
    return None


def _check_regularizer(regularizer: Regularizer, shape: Shape) -> _Mismatch | None:
    if isinstance(regularizer, OrthogonalRegularizer) and len(shape) != 2:  # noqa: PLR2004  # a matrix
        return (), "a regularizer of any shape"
    return None


def _check_constraint(constraint: Constraint, shape: Shape) -> _Mismatch | None:
    if not isinstance(constraint, MaxNorm | MinMaxNorm | UnitNorm):
        return None
    rank = len(shape)
    axes = (constraint.axis,) if isinstance(constraint.axis, int) else constraint.axis
    if all(-rank <= axis < rank for axis in axes):
        return None
    return ("axis",), f"axes from {-rank} to {rank - 1}"
