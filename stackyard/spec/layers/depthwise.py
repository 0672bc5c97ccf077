"""Depthwise and separable convolution layers."""

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from stackyard.spec.base import PositiveInt, build_validation_error
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.sizes import DataFormat, Padding, Rank, Sizes1D, Sizes2D, expand_sizes
from stackyard.spec.network.activations import Activation
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import GlorotUniform, Initializer, Zeros
from stackyard.spec.network.regularizers import Regularizer


class DepthwiseConvolutionBase(LayerBase):
    """Arguments of every depthwise convolution."""

    # Declared here to fix the order of the fields; subclasses narrow those of type Any.
    rank: ClassVar[Rank]
    kernel_size: Any
    strides: Any
    padding: Padding = "valid"
    depth_multiplier: PositiveInt = 1
    data_format: DataFormat | None = None
    dilation_rate: Any
    activation: Activation | None = None
    use_bias: bool = True
    depthwise_initializer: Initializer = GlorotUniform()
    bias_initializer: Initializer = Zeros()
    depthwise_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    activity_regularizer: Regularizer | None = None
    depthwise_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None

    @model_validator(mode="after")
    def _check_strides(self) -> Self:
        _reject_uneven_strides(self.strides, self.dilation_rate)
        return self


class SeparableConvolutionBase(LayerBase):
    """Arguments of every separable convolution."""

    rank: ClassVar[Rank]
    filters: PositiveInt
    kernel_size: Any
    strides: Any
    padding: Padding = "valid"
    data_format: DataFormat | None = None
    dilation_rate: Any
    depth_multiplier: PositiveInt = 1
    activation: Activation | None = None
    use_bias: bool = True
    depthwise_initializer: Initializer = GlorotUniform()
    pointwise_initializer: Initializer = GlorotUniform()
    bias_initializer: Initializer = Zeros()
    depthwise_regularizer: Regularizer | None = None
    pointwise_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    activity_regularizer: Regularizer | None = None
    depthwise_constraint: Constraint | None = None
    pointwise_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None

    @model_validator(mode="after")
    def _check_strides(self) -> Self:
        _reject_uneven_strides(self.strides, self.dilation_rate)
        return self


def _reject_uneven_strides(strides: int | tuple[int, ...], dilation_rate: int | tuple[int, ...]) -> None:
    # With a dilation, Keras computes every position and then drops some, which works with any strides.
    if len(set(expand_sizes(strides, 1))) > 1 and max(expand_sizes(dilation_rate, 1)) == 1:
        raise build_validation_error(
            "expected the same stride along both axes: TensorFlow supports no others", "strides"
        )


class DepthwiseConv1D(DepthwiseConvolutionBase):
    """1D convolution of each channel with its own kernel, for sequences."""

    type: Literal["DepthwiseConv1D"] = "DepthwiseConv1D"
    rank: ClassVar[Rank] = 1
    kernel_size: Sizes1D
    strides: Sizes1D = 1
    dilation_rate: Sizes1D = 1


class DepthwiseConv2D(DepthwiseConvolutionBase):
    """2D convolution of each channel with its own kernel, for images."""

    type: Literal["DepthwiseConv2D"] = "DepthwiseConv2D"
    rank: ClassVar[Rank] = 2
    kernel_size: Sizes2D
    strides: Sizes2D = (1, 1)
    dilation_rate: Sizes2D = (1, 1)


class SeparableConv1D(SeparableConvolutionBase):
    """1D depthwise convolution, followed by a pointwise convolution that mixes the channels; for sequences."""

    type: Literal["SeparableConv1D"] = "SeparableConv1D"
    rank: ClassVar[Rank] = 1
    kernel_size: Sizes1D
    strides: Sizes1D = 1
    dilation_rate: Sizes1D = 1


class SeparableConv2D(SeparableConvolutionBase):
    """2D depthwise convolution, followed by a pointwise convolution that mixes the channels; for images."""

    type: Literal["SeparableConv2D"] = "SeparableConv2D"
    rank: ClassVar[Rank] = 2
    kernel_size: Sizes2D
    strides: Sizes2D = (1, 1)
    dilation_rate: Sizes2D = (1, 1)
