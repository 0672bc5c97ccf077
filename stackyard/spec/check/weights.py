"""What a layer's weights ask of what fills, penalises and bounds them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from stackyard.spec.check.report import Shape
from stackyard.spec.layers import Layer
from stackyard.spec.network.constraints import Constraint, MaxNorm, MinMaxNorm, UnitNorm
from stackyard.spec.network.initializers import Identity, Initializer, Orthogonal
from stackyard.spec.network.regularizers import OrthogonalRegularizer, Regularizer
from stackyard.spec.reading.json_pointers import Step


@dataclass(frozen=True)
class Fault:
    """What is wrong with a layer, `at` these steps from it, and what would put it right."""

    message: str
    at: tuple[Step, ...] = ()
    fix: str | None = None


@dataclass(frozen=True)
class Weight:
    """One of a layer's weights; `role` is how its arguments' names begin, or nothing where it has none."""

    shape: Shape
    role: str = ""
    trainable: bool = True

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


def weight_faults(layer: Layer, weight: Weight) -> Iterator[Fault]:
    """Yield what the arguments for `weight` ask that its shape does not give."""
    if not weight.role:
        return
    rules = {"initializer": _initializer, "regularizer": _regularizer, "constraint": _constraint}
    for kind, rule in rules.items():
        argument = f"{weight.role}_{kind}"
        value = getattr(layer, argument, None)
        if value is not None and (fault := rule(value, weight.shape)):
            at, wanted = fault
            message = f"expected {wanted} for {weight.role} of shape {list(weight.shape)}, received {value.type}"
            yield Fault(message, (argument, *at))


_Wanted = tuple[tuple[Step, ...], str]


def _initializer(initializer: Initializer, shape: Shape) -> _Wanted | None:
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


def _regularizer(regularizer: Regularizer, shape: Shape) -> _Wanted | None:
    if isinstance(regularizer, OrthogonalRegularizer) and len(shape) != 2:  # noqa: PLR2004  # a matrix
        return (), "a regularizer of any shape"
    return None


def _constraint(constraint: Constraint, shape: Shape) -> _Wanted | None:
    if not isinstance(constraint, MaxNorm | MinMaxNorm | UnitNorm):
        return None
    rank = len(shape)
    axes = (constraint.axis,) if isinstance(constraint.axis, int) else constraint.axis
    if all(-rank <= axis < rank for axis in axes):
        return None
    return ("axis",), f"axes from {-rank} to {rank - 1}"
