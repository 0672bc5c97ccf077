"""Activation layers."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import JsonArray, NonNegativeFloat, PositiveInt
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import Initializer, Zeros
from stackyard.spec.network.regularizers import Regularizer
from stackyard.spec.tagged_union import OneOrMoreAxes


class ReLU(LayerBase):
    """Rectified linear unit, with an optional maximum, slope and threshold."""

    type: Literal["ReLU"] = "ReLU"
    max_value: NonNegativeFloat | None = None
    negative_slope: NonNegativeFloat = 0.0
    threshold: NonNegativeFloat = 0.0


class LeakyReLU(LayerBase):
    """Rectified linear unit with a small slope for negative inputs."""

    type: Literal["LeakyReLU"] = "LeakyReLU"
    negative_slope: NonNegativeFloat = 0.3


class PReLU(LayerBase):
    """Rectified linear unit with a learned slope for negative inputs.

    `shared_axes` lists the axes that share a slope. They count from 1, without the batch axis.
    """

    type: Literal["PReLU"] = "PReLU"
    alpha_initializer: Initializer = Zeros()
    alpha_regularizer: Regularizer | None = None
    alpha_constraint: Constraint | None = None
    shared_axes: Annotated[JsonArray[PositiveInt], Field(min_length=1, max_length=8)] | None = None


class ELU(LayerBase):
    """Exponential linear unit."""

    type: Literal["ELU"] = "ELU"
    alpha: float = 1.0


class Softmax(LayerBase):
    """Softmax along `axis`."""

    type: Literal["Softmax"] = "Softmax"
    axis: OneOrMoreAxes = -1
