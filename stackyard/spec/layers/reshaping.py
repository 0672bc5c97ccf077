"""Reshaping layers."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from stackyard.spec.base import JsonArray, PositiveInt, build_validation_error
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.sizes import DataFormat, EdgeSizes1D, EdgeSizes2D, EdgeSizes3D, Rank, Sizes2D, Sizes3D

_MAX_AXES = 6
"""More than any other layer needs, and few enough for TensorFlow to transpose."""


class Flatten(LayerBase):
    """Flattens all axes of a row into one."""

    type: Literal["Flatten"] = "Flatten"
    data_format: DataFormat | None = None


class Reshape(LayerBase):
    """Reshapes each row to `target_shape`. One size may be -1; it is inferred from the others."""

    type: Literal["Reshape"] = "Reshape"
    target_shape: Annotated[JsonArray[Annotated[int, Field(ge=-1)]], Field(max_length=_MAX_AXES)]

    @model_validator(mode="after")
    def _check_inferred_size(self) -> Self:
        if self.target_shape.count(-1) > 1:
            raise build_validation_error("expected -1 at most once, received it several times", "target_shape")
        return self


class Permute(LayerBase):
    """Permutes the axes of each row. `dims` count from 1, without the batch axis."""

    type: Literal["Permute"] = "Permute"
    dims: Annotated[JsonArray[PositiveInt], Field(min_length=1, max_length=_MAX_AXES)]

    @model_validator(mode="after")
    def _check_permutation(self) -> Self:
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise build_validation_error(f"expected each number from 1 to {len(self.dims)} once", "dims")
        return self


class RepeatVector(LayerBase):
    """Repeats each row `n` times, as the steps of a sequence."""

    type: Literal["RepeatVector"] = "RepeatVector"
    n: PositiveInt


class Cropping1D(LayerBase):
    """Crops steps from both ends of sequences."""

    type: Literal["Cropping1D"] = "Cropping1D"
    rank: ClassVar[Rank] = 1
    cropping: EdgeSizes1D = (1, 1)


class Cropping2D(LayerBase):
    """Crops rows and columns from the edges of images."""

    type: Literal["Cropping2D"] = "Cropping2D"
    rank: ClassVar[Rank] = 2
    cropping: EdgeSizes2D = ((0, 0), (0, 0))
    data_format: DataFormat | None = None


class Cropping3D(LayerBase):
    """Crops all sides of volumes."""

    type: Literal["Cropping3D"] = "Cropping3D"
    rank: ClassVar[Rank] = 3
    cropping: EdgeSizes3D = ((1, 1), (1, 1), (1, 1))
    data_format: DataFormat | None = None


class ZeroPadding1D(LayerBase):
    """Pads both ends of sequences with zeros."""

    type: Literal["ZeroPadding1D"] = "ZeroPadding1D"
    rank: ClassVar[Rank] = 1
    padding: EdgeSizes1D = 1
    data_format: DataFormat | None = None


class ZeroPadding2D(LayerBase):
    """Pads the edges of images with zeros."""

    type: Literal["ZeroPadding2D"] = "ZeroPadding2D"
    rank: ClassVar[Rank] = 2
    padding: EdgeSizes2D = (1, 1)
    data_format: DataFormat | None = None


class ZeroPadding3D(LayerBase):
    """Pads all sides of volumes with zeros."""

    type: Literal["ZeroPadding3D"] = "ZeroPadding3D"
    rank: ClassVar[Rank] = 3
    padding: EdgeSizes3D = ((1, 1), (1, 1), (1, 1))
    data_format: DataFormat | None = None


class UpSampling1D(LayerBase):
    """Repeats each step of a sequence `size` times."""

    type: Literal["UpSampling1D"] = "UpSampling1D"
    rank: ClassVar[Rank] = 1
    size: PositiveInt = 2


class UpSampling2D(LayerBase):
    """Enlarges images by `size`. Keras's `area` interpolation is not supported, because it has no gradient."""

    type: Literal["UpSampling2D"] = "UpSampling2D"
    rank: ClassVar[Rank] = 2
    size: Sizes2D = (2, 2)
    data_format: DataFormat | None = None
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"] = "nearest"


class UpSampling3D(LayerBase):
    """Enlarges volumes by repeating their values `size` times."""

    type: Literal["UpSampling3D"] = "UpSampling3D"
    rank: ClassVar[Rank] = 3
    size: Sizes3D = (2, 2, 2)
    data_format: DataFormat | None = None
