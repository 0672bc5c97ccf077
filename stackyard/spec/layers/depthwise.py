"""Convolutions of each channel by itself."""

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from stackyard.spec.base import Count, refusal
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.sizes import DataFormat, Padding, Rank, Sizes1, Sizes2, spread
from stackyard.spec.network.activations import Activation
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import GlorotUniform, Initializer, Zeros
from stackyard.spec.network.regularizers import Regularizer


class DepthwiseBase(LayerBase):
    """What every depthwise convolution takes."""

    # Fields that are Any here are narrowed by each class, in this order.
    rank: ClassVar[Rank]
    kernel_size: Any
    strides: Any
    padding: Padding = "valid"
    depth_multiplier: Count = 1
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
    def _can_be_trained(self) -> Self:
        _refuse_uneven_strides(self.strides, self.dilation_rate)
        return self


class SeparableBase(LayerBase):
    """What every separable convolution takes."""

    rank: ClassVar[Rank]
    filters: Count
    kernel_size: Any
    strides: Any
    padding: Padding = "valid"
    data_format: DataFormat | None = None
    dilation_rate: Any
    depth_multiplier: Count = 1
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
    def _can_be_trained(self) -> Self:
        _refuse_uneven_strides(self.strides, self.dilation_rate)
        return self


def _refuse_uneven_strides(strides: int | tuple[int, ...], dilation_rate: int | tuple[int, ...]) -> None:
    # Where a dilation is beside them, Keras takes every step and then leaves steps out.
    if len(set(spread(strides, 1))) > 1 and max(spread(dilation_rate, 1)) == 1:
        raise refusal("expected the same stride along both axes: TensorFlow has no other", "strides")


class DepthwiseConv1D(DepthwiseBase):
    """Slides a kernel of its own along each channel of sequences."""

    type: Literal["DepthwiseConv1D"] = "DepthwiseConv1D"
    rank: ClassVar[Rank] = 1
    kernel_size: Sizes1
    strides: Sizes1 = 1
    dilation_rate: Sizes1 = 1


class DepthwiseConv2D(DepthwiseBase):
    """Slides a kernel of its own over each channel of images."""

    type: Literal["DepthwiseConv2D"] = "DepthwiseConv2D"
    rank: ClassVar[Rank] = 2
    kernel_size: Sizes2
    strides: Sizes2 = (1, 1)
    dilation_rate: Sizes2 = (1, 1)


class SeparableConv1D(SeparableBase):
    """A depthwise convolution along sequences, whose channels are then mixed."""

    type: Literal["SeparableConv1D"] = "SeparableConv1D"
    rank: ClassVar[Rank] = 1
    kernel_size: Sizes1
    strides: Sizes1 = 1
    dilation_rate: Sizes1 = 1


class SeparableConv2D(SeparableBase):
    """A depthwise convolution over images, whose channels are then mixed."""

    type: Literal["SeparableConv2D"] = "SeparableConv2D"
    rank: ClassVar[Rank] = 2
    kernel_size: Sizes2
    strides: Sizes2 = (1, 1)
    dilation_rate: Sizes2 = (1, 1)
