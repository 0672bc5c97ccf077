"""Layers that only training feels.

Keras takes a `rate` of 1 too: Dropout then lets nothing through and two others divide by 0, so it is refused here.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from stackyard.spec.base import BelowOne, Count, Items, NonNegative, Seed, Share
from stackyard.spec.layers.base import LayerBase, NamedLayer
from stackyard.spec.layers.sizes import DataFormat, Rank

NoiseShape = Annotated[Items[Count | None], Field(min_length=1, max_length=8)]
"""The sizes of what is drawn; an axis of size 1 is drawn once for all its places. Counts the batch, open by null."""


class Dropout(LayerBase):
    """Sets a share of the inputs to 0."""

    type: Literal["Dropout"] = "Dropout"
    rate: BelowOne
    noise_shape: NoiseShape | None = None
    seed: Seed | None = None


class AlphaDropout(LayerBase):
    """Dropout that keeps mean and variance, for `selu`."""

    type: Literal["AlphaDropout"] = "AlphaDropout"
    rate: BelowOne
    noise_shape: NoiseShape | None = None
    seed: Seed | None = None


class GaussianDropout(LayerBase):
    """Multiplies by noise of mean 1 that is as strong as Dropout of this rate."""

    type: Literal["GaussianDropout"] = "GaussianDropout"
    rate: BelowOne
    seed: Seed | None = None


class GaussianNoise(LayerBase):
    """Adds noise of mean 0."""

    type: Literal["GaussianNoise"] = "GaussianNoise"
    stddev: Share
    seed: Seed | None = None


class _SpatialDropout(NamedLayer):
    trainable: ClassVar[bool] = True  # Keras's own class does not take it
    rate: BelowOne


class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of sequences."""

    type: Literal["SpatialDropout1D"] = "SpatialDropout1D"
    rank: ClassVar[Rank] = 1
    seed: Seed | None = None


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images."""

    type: Literal["SpatialDropout2D"] = "SpatialDropout2D"
    rank: ClassVar[Rank] = 2
    data_format: DataFormat | None = None
    seed: Seed | None = None


class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes."""

    type: Literal["SpatialDropout3D"] = "SpatialDropout3D"
    rank: ClassVar[Rank] = 3
    data_format: DataFormat | None = None
    seed: Seed | None = None


class ActivityRegularization(LayerBase):
    """Adds to the loss what its inputs cost; `l1` and `l2` as in the regularizers of these names."""

    type: Literal["ActivityRegularization"] = "ActivityRegularization"
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0
