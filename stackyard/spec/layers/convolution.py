"""Convolutions, and the way back."""

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from stackyard.spec.base import Count, refusal
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.sizes import (
    DataFormat,
    Extra1,
    Extra2,
    Extra3,
    Padding,
    Rank,
    Sizes1,
    Sizes2,
    Sizes3,
    spread,
)
from stackyard.spec.network.activations import Activation
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import GlorotUniform, Initializer, Zeros
from stackyard.spec.network.regularizers import Regularizer


class ConvolutionBase(LayerBase):
    """What every convolution takes."""

    # Fields that are Any here are narrowed by each class, in this order.
    rank: ClassVar[Rank]
    filters: Count
    kernel_size: Any
    strides: Any
    padding: Any
    data_format: DataFormat | None = None
    dilation_rate: Any
    groups: Count = 1
    activation: Activation | None = None
    use_bias: bool = True
    kernel_initializer: Initializer = GlorotUniform()
    bias_initializer: Initializer = Zeros()
    kernel_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    activity_regularizer: Regularizer | None = None
    kernel_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None

    @model_validator(mode="after")
    def _can_be_trained(self) -> Self:
        if self.filters % self.groups:
            message = f"expected a divisor of the {self.filters} filters, received {self.groups}"
            raise refusal(message, "groups")
        refuse_strides_with_dilation(self.strides, self.dilation_rate)
        # Keras compiles those with groups, and those of volumes, by XLA, which can.
        if self.data_format == "channels_first" and self.groups == 1 and self.rank < 3:  # noqa: PLR2004  # volumes
            raise refusal_of_channels_first(self.type)
        return self


def refuse_strides_with_dilation(strides: int | tuple[int, ...], dilation_rate: int | tuple[int, ...]) -> None:
    """Refuse what Keras refuses: kernels that are both stretched and moved by more than 1."""
    if max(spread(strides, 1)) > 1 and max(spread(dilation_rate, 1)) > 1:
        message = "expected a dilation_rate of 1 beside strides of more than 1: Keras has no both"
        raise refusal(message, "dilation_rate")


def refusal_of_channels_first(what: str) -> Exception:
    """Return the error for what TensorFlow does on GPUs alone."""
    message = f'expected "channels_last", as {what} with "channels_first" cannot be trained on a CPU'
    return refusal(f'{message}: put a "Permute" before, or reorder the data', "data_format")


class Conv1D(ConvolutionBase):
    """Slides a kernel along sequences; `causal` padding looks back only."""

    type: Literal["Conv1D"] = "Conv1D"
    rank: ClassVar[Rank] = 1
    kernel_size: Sizes1
    strides: Sizes1 = 1
    padding: Literal["valid", "same", "causal"] = "valid"
    dilation_rate: Sizes1 = 1


class Conv2D(ConvolutionBase):
    """Slides a kernel over images."""

    type: Literal["Conv2D"] = "Conv2D"
    rank: ClassVar[Rank] = 2
    kernel_size: Sizes2
    strides: Sizes2 = (1, 1)
    padding: Padding = "valid"
    dilation_rate: Sizes2 = (1, 1)


class Conv3D(ConvolutionBase):
    """Slides a kernel through volumes."""

    type: Literal["Conv3D"] = "Conv3D"
    rank: ClassVar[Rank] = 3
    kernel_size: Sizes3
    strides: Sizes3 = (1, 1, 1)
    padding: Padding = "valid"
    dilation_rate: Sizes3 = (1, 1, 1)


class TransposedBase(LayerBase):
    """What every transposed convolution takes."""

    rank: ClassVar[Rank]
    filters: Count
    kernel_size: Any
    strides: Any
    padding: Padding = "valid"
    output_padding: Any
    data_format: DataFormat | None = None
    dilation_rate: Any
    activation: Activation | None = None
    use_bias: bool = True
    kernel_initializer: Initializer = GlorotUniform()
    bias_initializer: Initializer = Zeros()
    kernel_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    activity_regularizer: Regularizer | None = None
    kernel_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None

    @model_validator(mode="after")
    def _can_be_trained(self) -> Self:
        if max(spread(self.dilation_rate, self.rank)) > 1:
            message = f"expected 1, as {self.type} with a larger dilation_rate cannot be trained on a CPU"
            raise refusal(message, "dilation_rate")
        if self.data_format == "channels_first":
            raise refusal_of_channels_first(self.type)
        self._pads_less_than_a_stride()
        return self

    def _pads_less_than_a_stride(self) -> None:
        if self.output_padding is None:
            return
        strides = spread(self.strides, self.rank)
        for extra, stride in zip(spread(self.output_padding, self.rank), strides, strict=True):
            if extra >= stride:
                message = f"expected less than the strides, {list(strides)}; received {extra}"
                raise refusal(message, "output_padding")


class Conv1DTranspose(TransposedBase):
    """The way back from a convolution along sequences."""

    type: Literal["Conv1DTranspose"] = "Conv1DTranspose"
    rank: ClassVar[Rank] = 1
    kernel_size: Sizes1
    strides: Sizes1 = 1
    output_padding: Extra1 | None = None
    dilation_rate: Sizes1 = 1


class Conv2DTranspose(TransposedBase):
    """The way back from a convolution over images."""

    type: Literal["Conv2DTranspose"] = "Conv2DTranspose"
    rank: ClassVar[Rank] = 2
    kernel_size: Sizes2
    strides: Sizes2 = (1, 1)
    output_padding: Extra2 | None = None
    dilation_rate: Sizes2 = (1, 1)


class Conv3DTranspose(TransposedBase):
    """The way back from a convolution through volumes."""

    type: Literal["Conv3DTranspose"] = "Conv3DTranspose"
    rank: ClassVar[Rank] = 3
    kernel_size: Sizes3
    strides: Sizes3 = (1, 1, 1)
    output_padding: Extra3 | None = None
    dilation_rate: Sizes3 = (1, 1, 1)
