"""Layers that only change the shape."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from stackyard.spec.base import Count, Items, refusal
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.sizes import DataFormat, Ends, Ends2, Ends3, Rank, Sizes2, Sizes3

_MOST_AXES = 6
"""More than any layer but these asks for, and few enough for TensorFlow to move them about."""


class Flatten(LayerBase):
    """One axis out of all."""

    type: Literal["Flatten"] = "Flatten"
    data_format: DataFormat | None = None


class Reshape(LayerBase):
    """Rows of `target_shape`; one of its sizes may be -1, which is what the others leave."""

    type: Literal["Reshape"] = "Reshape"
    target_shape: Annotated[Items[Annotated[int, Field(ge=-1)]], Field(max_length=_MOST_AXES)]

    @model_validator(mode="after")
    def _one_is_open(self) -> Self:
        if self.target_shape.count(-1) > 1:
            raise refusal("expected -1 once at most, received it again", "target_shape")
        return self


class Permute(LayerBase):
    """Axes in another order; `dims` count from 1, the batch aside."""

    type: Literal["Permute"] = "Permute"
    dims: Annotated[Items[Count], Field(min_length=1, max_length=_MOST_AXES)]

    @model_validator(mode="after")
    def _each_axis_once(self) -> Self:
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise refusal(f"expected each number from 1 to {len(self.dims)} once", "dims")
        return self


class RepeatVector(LayerBase):
    """The row `n` times over, one below the other."""

    type: Literal["RepeatVector"] = "RepeatVector"
    n: Count


class Cropping1D(LayerBase):
    """Cuts steps off both ends of sequences."""

    type: Literal["Cropping1D"] = "Cropping1D"
    rank: ClassVar[Rank] = 1
    cropping: Ends = (1, 1)


class Cropping2D(LayerBase):
    """Cuts rows and columns off images."""

    type: Literal["Cropping2D"] = "Cropping2D"
    rank: ClassVar[Rank] = 2
    cropping: Ends2 = ((0, 0), (0, 0))
    data_format: DataFormat | None = None


class Cropping3D(LayerBase):
    """Cuts layers off all sides of volumes."""

    type: Literal["Cropping3D"] = "Cropping3D"
    rank: ClassVar[Rank] = 3
    cropping: Ends3 = ((1, 1), (1, 1), (1, 1))
    data_format: DataFormat | None = None


class ZeroPadding1D(LayerBase):
    """Puts zeros at both ends of sequences."""

    type: Literal["ZeroPadding1D"] = "ZeroPadding1D"
    rank: ClassVar[Rank] = 1
    padding: Ends = 1
    data_format: DataFormat | None = None


class ZeroPadding2D(LayerBase):
    """Puts zeros around images."""

    type: Literal["ZeroPadding2D"] = "ZeroPadding2D"
    rank: ClassVar[Rank] = 2
    padding: Ends2 = (1, 1)
    data_format: DataFormat | None = None


class ZeroPadding3D(LayerBase):
    """Puts zeros around volumes."""

    type: Literal["ZeroPadding3D"] = "ZeroPadding3D"
    rank: ClassVar[Rank] = 3
    padding: Ends3 = ((1, 1), (1, 1), (1, 1))
    data_format: DataFormat | None = None


class UpSampling1D(LayerBase):
    """Each step `size` times."""

    type: Literal["UpSampling1D"] = "UpSampling1D"
    rank: ClassVar[Rank] = 1
    size: Count = 2


class UpSampling2D(LayerBase):
    """Larger images. Keras's `area` interpolation has no gradient, and is left out."""

    type: Literal["UpSampling2D"] = "UpSampling2D"
    rank: ClassVar[Rank] = 2
    size: Sizes2 = (2, 2)
    data_format: DataFormat | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"] = "nearest"


class UpSampling3D(LayerBase):
    """Larger volumes."""

    type: Literal["UpSampling3D"] = "UpSampling3D"
    rank: ClassVar[Rank] = 3
    size: Sizes3 = (2, 2, 2)
    data_format: DataFormat | None = None
