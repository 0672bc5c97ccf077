"""Types of sizes along one, two or three axes, and of the position of the channels."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import JsonArray, NonNegativeInt, PositiveInt
from stackyard.spec.tagged_union import ONE_OR_MANY

_One = Field(min_length=1, max_length=1)
_Two = Field(min_length=2, max_length=2)
_Three = Field(min_length=3, max_length=3)

Sizes1D = Annotated[PositiveInt | Annotated[JsonArray[PositiveInt], _One], ONE_OR_MANY]
"""A size along one axis."""
Sizes2D = Annotated[PositiveInt | Annotated[JsonArray[PositiveInt], _Two], ONE_OR_MANY]
"""One size for both axes, or one per axis."""
Sizes3D = Annotated[PositiveInt | Annotated[JsonArray[PositiveInt], _Three], ONE_OR_MANY]
"""One size for all three axes, or one per axis."""

OutputPadding1D = Annotated[NonNegativeInt | Annotated[JsonArray[NonNegativeInt], _One], ONE_OR_MANY]
"""As `Sizes1`, or 0."""
OutputPadding2D = Annotated[NonNegativeInt | Annotated[JsonArray[NonNegativeInt], _Two], ONE_OR_MANY]
"""As `Sizes2`, or 0."""
OutputPadding3D = Annotated[NonNegativeInt | Annotated[JsonArray[NonNegativeInt], _Three], ONE_OR_MANY]
"""As `Sizes3`, or 0."""

EdgeSizes1D = Annotated[NonNegativeInt | Annotated[JsonArray[NonNegativeInt], _Two], ONE_OR_MANY]
"""One size for both ends of an axis, or one for its start and one for its end."""
EdgeSizes2D = Annotated[NonNegativeInt | Annotated[JsonArray[EdgeSizes1D], _Two], ONE_OR_MANY]
"""One size for all ends of both axes, or the sizes of each axis."""
EdgeSizes3D = Annotated[NonNegativeInt | Annotated[JsonArray[EdgeSizes1D], _Three], ONE_OR_MANY]
"""One size for all ends of the three axes, or the sizes of each axis."""

Rank = Literal[1, 2, 3]
"""Number of spatial axes of a layer, without the batch and the channels."""
DataFormat = Literal["channels_last", "channels_first"]
"""Null means Keras's default, `channels_last`."""
Padding = Literal["valid", "same"]


def expand_sizes(sizes: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Return one size for each of `rank` axes."""
    return (sizes,) * rank if isinstance(sizes, int) else sizes
