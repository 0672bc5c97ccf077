"""Layers that take the largest or the mean of several places."""

from typing import Any, ClassVar, Literal

from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.sizes import DataFormat, Padding, Rank, Sizes1, Sizes2, Sizes3


class PoolingBase(LayerBase):
    """What every pooling over windows takes; null `strides` are the windows' own sizes."""

    rank: ClassVar[Rank]
    pool_size: Any
    strides: Any
    padding: Padding = "valid"
    data_format: DataFormat | None = None


class GlobalPoolingBase(LayerBase):
    """What every pooling over all places takes."""

    rank: ClassVar[Rank]
    data_format: DataFormat | None = None
    keepdims: bool = False


class AdaptivePoolingBase(LayerBase):
    """What every pooling to a given size takes."""

    rank: ClassVar[Rank]
    output_size: Any
    data_format: DataFormat | None = None


class MaxPooling1D(PoolingBase):
    """The largest of each window of sequences."""

    type: Literal["MaxPooling1D"] = "MaxPooling1D"
    rank: ClassVar[Rank] = 1
    pool_size: Sizes1 = 2
    strides: Sizes1 | None = None


class MaxPooling2D(PoolingBase):
    """The largest of each window of images."""

    type: Literal["MaxPooling2D"] = "MaxPooling2D"
    rank: ClassVar[Rank] = 2
    pool_size: Sizes2 = (2, 2)
    strides: Sizes2 | None = None


class MaxPooling3D(PoolingBase):
    """The largest of each window of volumes."""

    type: Literal["MaxPooling3D"] = "MaxPooling3D"
    rank: ClassVar[Rank] = 3
    pool_size: Sizes3 = (2, 2, 2)
    strides: Sizes3 | None = None


class AveragePooling1D(PoolingBase):
    """The mean of each window of sequences."""

    type: Literal["AveragePooling1D"] = "AveragePooling1D"
    rank: ClassVar[Rank] = 1
    pool_size: Sizes1
    strides: Sizes1 | None = None


class AveragePooling2D(PoolingBase):
    """The mean of each window of images."""

    type: Literal["AveragePooling2D"] = "AveragePooling2D"
    rank: ClassVar[Rank] = 2
    pool_size: Sizes2
    strides: Sizes2 | None = None


class AveragePooling3D(PoolingBase):
    """The mean of each window of volumes."""

    type: Literal["AveragePooling3D"] = "AveragePooling3D"
    rank: ClassVar[Rank] = 3
    pool_size: Sizes3
    strides: Sizes3 | None = None


class GlobalMaxPooling1D(GlobalPoolingBase):
    """The largest of each channel of sequences."""

    type: Literal["GlobalMaxPooling1D"] = "GlobalMaxPooling1D"
    rank: ClassVar[Rank] = 1


class GlobalMaxPooling2D(GlobalPoolingBase):
    """The largest of each channel of images."""

    type: Literal["GlobalMaxPooling2D"] = "GlobalMaxPooling2D"
    rank: ClassVar[Rank] = 2


class GlobalMaxPooling3D(GlobalPoolingBase):
    """The largest of each channel of volumes."""

    type: Literal["GlobalMaxPooling3D"] = "GlobalMaxPooling3D"
    rank: ClassVar[Rank] = 3


class GlobalAveragePooling1D(GlobalPoolingBase):
    """The mean of each channel of sequences."""

    type: Literal["GlobalAveragePooling1D"] = "GlobalAveragePooling1D"
    rank: ClassVar[Rank] = 1


class GlobalAveragePooling2D(GlobalPoolingBase):
    """The mean of each channel of images."""

    type: Literal["GlobalAveragePooling2D"] = "GlobalAveragePooling2D"
    rank: ClassVar[Rank] = 2


class GlobalAveragePooling3D(GlobalPoolingBase):
    """The mean of each channel of volumes."""

    type: Literal["GlobalAveragePooling3D"] = "GlobalAveragePooling3D"
    rank: ClassVar[Rank] = 3


class AdaptiveMaxPooling1D(AdaptivePoolingBase):
    """The largest of each of so many windows of sequences."""

    type: Literal["AdaptiveMaxPooling1D"] = "AdaptiveMaxPooling1D"
    rank: ClassVar[Rank] = 1
    output_size: Sizes1


class AdaptiveMaxPooling2D(AdaptivePoolingBase):
    """The largest of each of so many windows of images."""

    type: Literal["AdaptiveMaxPooling2D"] = "AdaptiveMaxPooling2D"
    rank: ClassVar[Rank] = 2
    output_size: Sizes2


class AdaptiveMaxPooling3D(AdaptivePoolingBase):
    """The largest of each of so many windows of volumes."""

    type: Literal["AdaptiveMaxPooling3D"] = "AdaptiveMaxPooling3D"
    rank: ClassVar[Rank] = 3
    output_size: Sizes3


class AdaptiveAveragePooling1D(AdaptivePoolingBase):
    """The mean of each of so many windows of sequences."""

    type: Literal["AdaptiveAveragePooling1D"] = "AdaptiveAveragePooling1D"
    rank: ClassVar[Rank] = 1
    output_size: Sizes1


class AdaptiveAveragePooling2D(AdaptivePoolingBase):
    """The mean of each of so many windows of images."""

    type: Literal["AdaptiveAveragePooling2D"] = "AdaptiveAveragePooling2D"
    rank: ClassVar[Rank] = 2
    output_size: Sizes2


class AdaptiveAveragePooling3D(AdaptivePoolingBase):
    """The mean of each of so many windows of volumes."""

    type: Literal["AdaptiveAveragePooling3D"] = "AdaptiveAveragePooling3D"
    rank: ClassVar[Rank] = 3
    output_size: Sizes3
