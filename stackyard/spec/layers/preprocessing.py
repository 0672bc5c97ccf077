"""Preprocessing layers."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stackyard.spec.base import JsonArray, NonNegativeFloat, build_validation_error
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.tagged_union import ONE_OR_MANY, OneOrMoreAxes

_AtLeastOne = Field(min_length=1)

Numbers = Annotated[float | Annotated[JsonArray[float], _AtLeastOne], ONE_OR_MANY]
"""One number, or one for each index of the last axis."""
Variances = Annotated[NonNegativeFloat | Annotated[JsonArray[NonNegativeFloat], _AtLeastOne], ONE_OR_MANY]


class Rescaling(LayerBase):
    """Multiplies by `scale` and adds `offset`."""

    type: Literal["Rescaling"] = "Rescaling"
    scale: Numbers
    offset: Numbers = 0.0


class Normalization(LayerBase):
    """Subtracts `mean` and divides by the square root of `variance`, or with `invert` the inverse.

    An array holds one number for each index of the last axis in `axis`; nested arrays are not supported. A spec must
    give both arguments, as nothing corresponds to Keras's `adapt`: use a transform of the features instead.
    """

    type: Literal["Normalization"] = "Normalization"
    axis: OneOrMoreAxes | None = -1
    mean: Numbers | None = None
    variance: Variances | None = None
    invert: bool = False

    @model_validator(mode="after")
    def _check_moments(self) -> Self:
        if self.mean is None or self.variance is None:
            missing = "mean" if self.mean is None else "variance"
            message = f"expected a {missing}, as the layer is not adapted to the data: give both mean and variance"
            raise build_validation_error(message, missing)
        if _get_length(self.mean) != _get_length(self.variance):
            raise build_validation_error(
                "expected as many variances as means, received a different number", "variance"
            )
        if self.axis is None and _get_length(self.mean) is not None:
            raise build_validation_error("expected one number when axis is null, received an array", "mean")
        return self


def _get_length(numbers: float | tuple[float, ...]) -> int | None:
    return len(numbers) if isinstance(numbers, tuple) else None
