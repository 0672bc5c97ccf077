"""Layers that only training feels."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import BelowOne, Count, Items, Seed
from stackyard.spec.layers.base import LayerBase


class Dropout(LayerBase):
    """Sets a share of the inputs to 0. `noise_shape` counts the batch, which it leaves open by null.

    Keras takes a rate of 1 too, which lets nothing through and so is refused here.
    """

    type: Literal["Dropout"] = "Dropout"
    rate: BelowOne
    noise_shape: Annotated[Items[Count | None], Field(min_length=1, max_length=8)] | None = None
    seed: Seed | None = None
