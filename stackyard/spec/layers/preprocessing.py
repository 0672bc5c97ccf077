"""Layers that scale by numbers which the spec gives."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stackyard.spec.base import Items, NonNegative, refusal
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.normalization import Axes
from stackyard.spec.tagged_union import ONE_OR_MANY

_Some = Field(min_length=1)

Numbers = Annotated[float | Annotated[Items[float], _Some], ONE_OR_MANY]
"""One number, or one for each place along the last axis."""
Variances = Annotated[NonNegative | Annotated[Items[NonNegative], _Some], ONE_OR_MANY]


class Rescaling(LayerBase):
    """Times `scale`, plus `offset`."""

    type: Literal["Rescaling"] = "Rescaling"
    scale: Numbers
    offset: Numbers = 0.0


class Normalization(LayerBase):
    """Takes `mean` away and divides by the root of `variance`, or with `invert` the other way round.

    Lists hold a number for each place along the last of the `axis`; Keras's nested lists are left out. Keras can also
    learn both from the data before the training (`adapt`), which a job does by a transform of its features.
    """

    type: Literal["Normalization"] = "Normalization"
    axis: Annotated[int | Axes, ONE_OR_MANY] | None = -1
    mean: Numbers | None = None
    variance: Variances | None = None
    invert: bool = False

    @model_validator(mode="after")
    def _both_are_known(self) -> Self:
        if self.mean is None or self.variance is None:
            which = "mean" if self.mean is None else "variance"
            raise refusal(f"expected a {which}, as nothing here is learnt before the training: give both", which)
        if _count(self.mean) != _count(self.variance):
            raise refusal("expected as many variances as means, received other ones", "variance")
        if self.axis is None and _count(self.mean) is not None:
            raise refusal("expected one number where the axis is null, received a list", "mean")
        return self


def _count(numbers: float | tuple[float, ...]) -> int | None:
    return len(numbers) if isinstance(numbers, tuple) else None
