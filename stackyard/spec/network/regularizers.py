"""What a loss adds for weights or outputs."""

from typing import Annotated, Literal

from stackyard.spec.base import NonNegative, Part
from stackyard.spec.tagged_union import Closed


class L1(Part):
    """`l1` times the sum of absolute values."""

    type: Literal["L1"] = "L1"
    l1: NonNegative = 0.01


class L2(Part):
    """`l2` times the sum of squares."""

    type: Literal["L2"] = "L2"
    l2: NonNegative = 0.01


class L1L2(Part):
    """Both penalties."""

    type: Literal["L1L2"] = "L1L2"
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0


class OrthogonalRegularizer(Part):
    """Pulls the rows or columns of a matrix towards being orthogonal."""

    type: Literal["OrthogonalRegularizer"] = "OrthogonalRegularizer"
    factor: NonNegative = 0.01
    mode: Literal["rows", "columns"] = "rows"


Regularizer = Annotated[
    L1 | L2 | L1L2 | OrthogonalRegularizer,
    Closed("a regularizer", aliases={"orthogonal": "OrthogonalRegularizer"}),
]
"""As in Keras, the bare string `l1_l2` means both penalties at 0."""
