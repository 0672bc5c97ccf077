"""Pooling layers."""

from typing import Any, ClassVar, Literal

from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.sizes import DataFormat, Padding, Rank, Sizes1D, Sizes2D, Sizes3D


class PoolingBase(LayerBase):
    """Arguments of every pooling over windows. If `strides` is null, `pool_size` applies."""

    rank: ClassVar[Rank]
    pool_size: Any
    strides: Any
    padding: Padding = "valid"
    data_format: DataFormat | None = None


class GlobalPoolingBase(LayerBase):
    """Arguments of every global pooling."""

    rank: ClassVar[Rank]
    data_format: DataFormat | None = None
    keepdims: bool = False


class AdaptivePoolingBase(LayerBase):
    """Arguments of every adaptive pooling."""

    rank: ClassVar[Rank]
    output_size: Any
    data_format: DataFormat | None = None


class MaxPooling1D(PoolingBase):
    """Maximum of each window of sequences."""

    type: Literal["MaxPooling1D"] = "MaxPooling1D"
    rank: ClassVar[Rank] = 1
    pool_size: Sizes1D = 2
    strides: Sizes1D | None = None


class MaxPooling2D(PoolingBase):
    """Maximum of each window of images."""

    type: Literal["MaxPooling2D"] = "MaxPooling2D"
    rank: ClassVar[Rank] = 2
    pool_size: Sizes2D = (2, 2)
    strides: Sizes2D | None = None


class MaxPooling3D(PoolingBase):
    """Maximum of each window of volumes."""

    type: Literal["MaxPooling3D"] = "MaxPooling3D"
    rank: ClassVar[Rank] = 3
    pool_size: Sizes3D = (2, 2, 2)
    strides: Sizes3D | None = None


class AveragePooling1D(PoolingBase):
    """Mean of each window of sequences."""

    type: Literal["AveragePooling1D"] = "AveragePooling1D"
    rank: ClassVar[Rank] = 1
    pool_size: Sizes1D
    strides: Sizes1D | None = None


class AveragePooling2D(PoolingBase):
    """Mean of each window of images."""

    type: Literal["AveragePooling2D"] = "AveragePooling2D"
    rank: ClassVar[Rank] = 2
    pool_size: Sizes2D
    strides: Sizes2D | None = None


class AveragePooling3D(PoolingBase):
    """Mean of each window of volumes."""

    type: Literal["AveragePooling3D"] = "AveragePooling3D"
    rank: ClassVar[Rank] = 3
    pool_size: Sizes3D
    strides: Sizes3D | None = None


class GlobalMaxPooling1D(GlobalPoolingBase):
    """Maximum of each channel of sequences."""

    type: Literal["GlobalMaxPooling1D"] = "GlobalMaxPooling1D"
    rank: ClassVar[Rank] = 1


class GlobalMaxPooling2D(GlobalPoolingBase):
    """Maximum of each channel of images."""

    type: Literal["GlobalMaxPooling2D"] = "GlobalMaxPooling2D"
    rank: ClassVar[Rank] = 2


class GlobalMaxPooling3D(GlobalPoolingBase):
    """Maximum of each channel of volumes."""

    type: Literal["GlobalMaxPooling3D"] = "GlobalMaxPooling3D"
    rank: ClassVar[Rank] = 3


class GlobalAveragePooling1D(GlobalPoolingBase):
    """Mean of each channel of sequences."""

    type: Literal["GlobalAveragePooling1D"] = "GlobalAveragePooling1D"
    rank: ClassVar[Rank] = 1


class GlobalAveragePooling2D(GlobalPoolingBase):
    """Mean of each channel of images."""

    type: Literal["GlobalAveragePooling2D"] = "GlobalAveragePooling2D"
    rank: ClassVar[Rank] = 2


class GlobalAveragePooling3D(GlobalPoolingBase):
    """Mean of each channel of volumes."""

    type: Literal["GlobalAveragePooling3D"] = "GlobalAveragePooling3D"
    rank: ClassVar[Rank] = 3


class AdaptiveMaxPooling1D(AdaptivePoolingBase):
    """Maximum of each window of sequences, with as many windows as `output_size`."""

    type: Literal["AdaptiveMaxPooling1D"] = "AdaptiveMaxPooling1D"
    rank: ClassVar[Rank] = 1
    output_size: Sizes1D


class AdaptiveMaxPooling2D(AdaptivePoolingBase):
    """Maximum of each window of images, with as many windows as `output_size`."""

    type: Literal["AdaptiveMaxPooling2D"] = "AdaptiveMaxPooling2D"
    rank: ClassVar[Rank] = 2
    output_size: Sizes2D


class AdaptiveMaxPooling3D(AdaptivePoolingBase):
    """Maximum of each window of volumes, with as many windows as `output_size`."""

    type: Literal["AdaptiveMaxPooling3D"] = "AdaptiveMaxPooling3D"
    rank: ClassVar[Rank] = 3
    output_size: Sizes3D


class AdaptiveAveragePooling1D(AdaptivePoolingBase):
    """Mean of each window of sequences, with as many windows as `output_size`."""

    type: Literal["AdaptiveAveragePooling1D"] = "AdaptiveAveragePooling1D"
    rank: ClassVar[Rank] = 1
    output_size: Sizes1D


class AdaptiveAveragePooling2D(AdaptivePoolingBase):
    """Mean of each window of images, with as many windows as `output_size`."""

    type: Literal["AdaptiveAveragePooling2D"] = "AdaptiveAveragePooling2D"
    rank: ClassVar[Rank] = 2
    output_size: Sizes2D


class AdaptiveAveragePooling3D(AdaptivePoolingBase):
    """Mean of each window of volumes, with as many windows as `output_size`."""

    type: Literal["AdaptiveAveragePooling3D"] = "AdaptiveAveragePooling3D"
    rank: ClassVar[Rank] = 3
    output_size: Sizes3D
