"""Regularization layers.

They act only in training. Keras also accepts a `rate` of 1, with which Dropout outputs only zeros and two other layers
divide by 0; a spec must use a smaller one.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from stackyard.spec.base import JsonArray, NonNegativeFloat, PositiveInt, Seed, UnitInterval, UnitIntervalBelowOne
from stackyard.spec.layers.base import LayerBase, NamedLayer
from stackyard.spec.layers.sizes import DataFormat, Rank

NoiseShape = Annotated[JsonArray[PositiveInt | None], Field(min_length=1, max_length=8)]
"""Shape of the random mask, with the batch axis; null is the input's own size. An axis of size 1 is broadcast."""


class Dropout(LayerBase):
    """Sets the fraction `rate` of the inputs to 0 in training."""

    type: Literal["Dropout"] = "Dropout"
    rate: UnitIntervalBelowOne
    noise_shape: NoiseShape | None = None
    seed: Seed | None = None


class AlphaDropout(LayerBase):
    """Dropout that preserves mean and variance, for networks with `selu` activations."""

    type: Literal["AlphaDropout"] = "AlphaDropout"
    rate: UnitIntervalBelowOne
    noise_shape: NoiseShape | None = None
    seed: Seed | None = None


class GaussianDropout(LayerBase):
    """Multiplies by Gaussian noise of mean 1, with the same variance as Dropout of this `rate`."""

    type: Literal["GaussianDropout"] = "GaussianDropout"
    rate: UnitIntervalBelowOne
    seed: Seed | None = None


class GaussianNoise(LayerBase):
    """Adds Gaussian noise of mean 0 and standard deviation `stddev`."""

    type: Literal["GaussianNoise"] = "GaussianNoise"
    stddev: UnitInterval
    seed: Seed | None = None


class _SpatialDropout(NamedLayer):
    trainable: ClassVar[bool] = True  # Keras's own class does not accept it as an argument
    rate: UnitIntervalBelowOne


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of sequences."""

    type: Literal["SpatialDropout1D"] = "SpatialDropout1D"
    rank: ClassVar[Rank] = 1
    seed: Seed | None = None


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images."""

    type: Literal["SpatialDropout2D"] = "SpatialDropout2D"
    rank: ClassVar[Rank] = 2
    data_format: DataFormat | None = None
    seed: Seed | None = None


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes."""

    type: Literal["SpatialDropout3D"] = "SpatialDropout3D"
    rank: ClassVar[Rank] = 3
    data_format: DataFormat | None = None
    seed: Seed | None = None


class ActivityRegularization(LayerBase):
    """Adds a penalty on its inputs to the loss. `l1` and `l2` mean the same as in the regularizers L1 and L2."""

    type: Literal["ActivityRegularization"] = "ActivityRegularization"
    l1: NonNegativeFloat = 0.0
    l2: NonNegativeFloat = 0.0
