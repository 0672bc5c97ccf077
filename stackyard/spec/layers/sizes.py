"""Sizes that several kinds of layer take, along one, two or three axes; and where the channels lie."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import Count, Index, Items
from stackyard.spec.tagged_union import ONE_OR_MANY

_One = Field(min_length=1, max_length=1)
_Two = Field(min_length=2, max_length=2)
_Three = Field(min_length=3, max_length=3)

Sizes1 = Annotated[Count | Annotated[Items[Count], _One], ONE_OR_MANY]
"""A size along the one axis."""
Sizes2 = Annotated[Count | Annotated[Items[Count], _Two], ONE_OR_MANY]
"""A size along both axes, or one for each."""
Sizes3 = Annotated[Count | Annotated[Items[Count], _Three], ONE_OR_MANY]
"""A size along all three axes, or one for each."""

Extra1 = Annotated[Index | Annotated[Items[Index], _One], ONE_OR_MANY]
"""As `Sizes1`, or 0."""
Extra2 = Annotated[Index | Annotated[Items[Index], _Two], ONE_OR_MANY]
"""As `Sizes2`, or 0."""
Extra3 = Annotated[Index | Annotated[Items[Index], _Three], ONE_OR_MANY]
"""As `Sizes3`, or 0."""

Ends = Annotated[Index | Annotated[Items[Index], _Two], ONE_OR_MANY]
"""How much at both ends of an axis, or at the one and the other."""
Ends2 = Annotated[Index | Annotated[Items[Ends], _Two], ONE_OR_MANY]
"""How much at the ends of both axes, or of each."""
Ends3 = Annotated[Index | Annotated[Items[Ends], _Three], ONE_OR_MANY]
"""How much at the ends of all three axes, or of each."""

Rank = Literal[1, 2, 3]
"""How many axes a layer slides along, pads or drops as one: the batch and the channels are not among them."""
DataFormat = Literal["channels_last", "channels_first"]
"""Null is Keras's own default, `channels_last`."""
Padding = Literal["valid", "same"]


def spread(sizes: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Return a size for each of `rank` axes."""
    return (sizes,) * rank if isinstance(sizes, int) else sizes
