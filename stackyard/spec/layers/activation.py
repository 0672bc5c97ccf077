"""Activations that are layers of their own, with arguments or weights."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import Count, Items, NonNegative
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import Initializer, Zeros
from stackyard.spec.network.regularizers import Regularizer
from stackyard.spec.tagged_union import ONE_OR_MANY

Axes = Annotated[Items[int], Field(min_length=1, max_length=8)]


class ReLU(LayerBase):
    """The rectifier, with a ceiling, a slope and a threshold."""

    type: Literal["ReLU"] = "ReLU"
    max_value: NonNegative | None = None
    negative_slope: NonNegative = 0.0
    threshold: NonNegative = 0.0


class LeakyReLU(LayerBase):
    """The rectifier with a slope below 0."""

    type: Literal["LeakyReLU"] = "LeakyReLU"
    negative_slope: NonNegative = 0.3


class PReLU(LayerBase):
    """The rectifier with a learned slope below 0; `shared_axes` count from 1, the batch aside."""

    type: Literal["PReLU"] = "PReLU"
    alpha_initializer: Initializer = Zeros()
    alpha_regularizer: Regularizer | None = None
    alpha_constraint: Constraint | None = None
    shared_axes: Annotated[Items[Count], Field(min_length=1, max_length=8)] | None = None


class ELU(LayerBase):
    """The exponential linear unit."""

    type: Literal["ELU"] = "ELU"
    alpha: float = 1.0


class Softmax(LayerBase):
    """Softmax along `axis`."""

    type: Literal["Softmax"] = "Softmax"
    axis: Annotated[int | Axes, ONE_OR_MANY] = -1
