"""What weights are brought back to after every step."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import Items, NonNegative, Part, Share
from stackyard.spec.tagged_union import ONE_OR_MANY, Closed

Axis = Annotated[int | Annotated[Items[int], Field(min_length=1, max_length=8)], ONE_OR_MANY]


class MaxNorm(Part):
    """Norms along `axis` of at most `max_value`."""

    type: Literal["MaxNorm"] = "MaxNorm"
    max_value: NonNegative = 2.0
    axis: Axis = 0


class MinMaxNorm(Part):
    """Norms along `axis` from `min_value` to `max_value`, approached at `rate`."""

    type: Literal["MinMaxNorm"] = "MinMaxNorm"
    min_value: NonNegative = 0.0
    max_value: NonNegative = 1.0
    rate: Share = 1.0
    axis: Axis = 0


class NonNeg(Part):
    """No weight below 0."""

    type: Literal["NonNeg"] = "NonNeg"


class UnitNorm(Part):
    """Norms along `axis` of 1."""

    type: Literal["UnitNorm"] = "UnitNorm"
    axis: Axis = 0


Constraint = Annotated[MaxNorm | MinMaxNorm | NonNeg | UnitNorm, Closed("a constraint")]
