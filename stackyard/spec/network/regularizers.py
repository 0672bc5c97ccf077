"""Penalties on weights or outputs that are added to the loss."""

from typing import Annotated, Literal

from stackyard.spec.base import NonNegativeFloat, SpecModel
from stackyard.spec.tagged_union import TaggedUnion


class L1(SpecModel):
    """`l1` times the sum of absolute values."""

    type: Literal["L1"] = "L1"
    l1: NonNegativeFloat = 0.01


class L2(SpecModel):
    """`l2` times the sum of squares."""

    type: Literal["L2"] = "L2"
    l2: NonNegativeFloat = 0.01


class L1L2(SpecModel):
    """The sum of an L1 and an L2 penalty."""

    type: Literal["L1L2"] = "L1L2"
    l1: NonNegativeFloat = 0.0
    l2: NonNegativeFloat = 0.0


class OrthogonalRegularizer(SpecModel):
    """Penalizes the rows or columns of a matrix for not being orthogonal to each other."""

    type: Literal["OrthogonalRegularizer"] = "OrthogonalRegularizer"
    factor: NonNegativeFloat = 0.01
    mode: Literal["rows", "columns"] = "rows"


Regularizer = Annotated[
    L1 | L2 | L1L2 | OrthogonalRegularizer,
    TaggedUnion("a regularizer", aliases={"orthogonal": "OrthogonalRegularizer"}),
]
"""As in Keras, the bare string `l1_l2` means both penalties with factor 0."""
