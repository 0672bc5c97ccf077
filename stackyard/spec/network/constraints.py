"""Constraints that are applied to weights after every step."""

from typing import Annotated, Literal

from stackyard.spec.base import NonNegativeFloat, SpecModel, UnitInterval
from stackyard.spec.tagged_union import OneOrMoreAxes, TaggedUnion


class MaxNorm(SpecModel):
    """Limits norms along `axis` to at most `max_value`."""

    type: Literal["MaxNorm"] = "MaxNorm"
    max_value: NonNegativeFloat = 2.0
    axis: OneOrMoreAxes = 0


class MinMaxNorm(SpecModel):
    """Moves norms along `axis` into the range from `min_value` to `max_value`, at `rate`."""

    type: Literal["MinMaxNorm"] = "MinMaxNorm"
    min_value: NonNegativeFloat = 0.0
    max_value: NonNegativeFloat = 1.0
    rate: UnitInterval = 1.0
    axis: OneOrMoreAxes = 0


class NonNeg(SpecModel):
    """Replaces negative weights by 0."""

    type: Literal["NonNeg"] = "NonNeg"


class UnitNorm(SpecModel):
    """Scales norms along `axis` to 1."""

    type: Literal["UnitNorm"] = "UnitNorm"
    axis: OneOrMoreAxes = 0


Constraint = Annotated[MaxNorm | MinMaxNorm | NonNeg | UnitNorm, TaggedUnion("a constraint")]
