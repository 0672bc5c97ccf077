"""Convolution layers."""

from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from stackyard.spec.base import PositiveInt, build_validation_error
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.sizes import (
    DataFormat,
    OutputPadding1D,
    OutputPadding2D,
    OutputPadding3D,
    Padding,
    Rank,
    Sizes1D,
    Sizes2D,
    Sizes3D,
    expand_sizes,
)
from stackyard.spec.network.activations import Activation
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import GlorotUniform, Initializer, Zeros
from stackyard.spec.network.regularizers import Regularizer


class ConvolutionBase(LayerBase):
    """Arguments of every convolution."""

    # Declared here to fix the order of the fields; subclasses narrow those of type Any.
    rank: ClassVar[Rank]
    filters: PositiveInt
    kernel_size: Any
    strides: Any
    padding: Any
    data_format: DataFormat | None = None
    dilation_rate: Any
    groups: PositiveInt = 1
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
    def _check_trainable(self) -> Self:
        if self.filters % self.groups:
            message = f"expected a divisor of the {self.filters} filters, received {self.groups}"
            raise build_validation_error(message, "groups")
        reject_strides_with_dilation(self.strides, self.dilation_rate)
        # Keras compiles grouped and three-dimensional convolutions with XLA, which supports channels_first on a CPU.
        if self.data_format == "channels_first" and self.groups == 1 and self.rank < 3:  # noqa: PLR2004  # three dimensions
            raise build_channels_first_error(self.type)
        return self


def reject_strides_with_dilation(strides: int | tuple[int, ...], dilation_rate: int | tuple[int, ...]) -> None:
    """Raise a validation error if strides and dilation are both greater than 1, which Keras does not support."""
    if max(expand_sizes(strides, 1)) > 1 and max(expand_sizes(dilation_rate, 1)) > 1:
        message = "expected a dilation_rate of 1 when strides are greater than 1: Keras does not support both"
        raise build_validation_error(message, "dilation_rate")


def build_channels_first_error(layer_type: str) -> Exception:
    """Return the validation error for a layer that TensorFlow supports only on a GPU with "channels_first"."""
    message = f'expected "channels_last", as {layer_type} with "channels_first" cannot be trained on a CPU'
    return build_validation_error(f'{message}: put a "Permute" layer before it, or reorder the data', "data_format")


class Conv1D(ConvolutionBase):
    """1D convolution, for sequences. With `causal` padding, an output does not depend on later steps."""

    type: Literal["Conv1D"] = "Conv1D"
    rank: ClassVar[Rank] = 1
    kernel_size: Sizes1D
    strides: Sizes1D = 1
    padding: Literal["valid", "same", "causal"] = "valid"
    dilation_rate: Sizes1D = 1


class Conv2D(ConvolutionBase):
    """2D convolution, for images."""

    type: Literal["Conv2D"] = "Conv2D"
    rank: ClassVar[Rank] = 2
    kernel_size: Sizes2D
    strides: Sizes2D = (1, 1)
    padding: Padding = "valid"
    dilation_rate: Sizes2D = (1, 1)


class Conv3D(ConvolutionBase):
    """3D convolution, for volumes."""

    type: Literal["Conv3D"] = "Conv3D"
    rank: ClassVar[Rank] = 3
    kernel_size: Sizes3D
    strides: Sizes3D = (1, 1, 1)
    padding: Padding = "valid"
    dilation_rate: Sizes3D = (1, 1, 1)


class TransposedConvolutionBase(LayerBase):
    """Arguments of every transposed convolution."""

    rank: ClassVar[Rank]
    filters: PositiveInt
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
    def _check_trainable(self) -> Self:
        if max(expand_sizes(self.dilation_rate, self.rank)) > 1:
            message = f"expected 1, as {self.type} with a larger dilation_rate cannot be trained on a CPU"
            raise build_validation_error(message, "dilation_rate")
        if self.data_format == "channels_first":
            raise build_channels_first_error(self.type)
        self._check_output_padding()
        return self

    def _check_output_padding(self) -> None:
        if self.output_padding is None:
            return
        strides = expand_sizes(self.strides, self.rank)
        for padding, stride in zip(expand_sizes(self.output_padding, self.rank), strides, strict=True):
            if padding >= stride:
                message = f"expected less than the strides, {list(strides)}; received {padding}"
                raise build_validation_error(message, "output_padding")


class Conv1DTranspose(TransposedConvolutionBase):
    """1D transposed convolution, for sequences."""

    type: Literal["Conv1DTranspose"] = "Conv1DTranspose"
    rank: ClassVar[Rank] = 1
    kernel_size: Sizes1D
    strides: Sizes1D = 1
    output_padding: OutputPadding1D | None = None
    dilation_rate: Sizes1D = 1


class Conv2DTranspose(TransposedConvolutionBase):
    """2D transposed convolution, for images."""

    type: Literal["Conv2DTranspose"] = "Conv2DTranspose"
    rank: ClassVar[Rank] = 2
    kernel_size: Sizes2D
    strides: Sizes2D = (1, 1)
    output_padding: OutputPadding2D | None = None
    dilation_rate: Sizes2D = (1, 1)


class Conv3DTranspose(TransposedConvolutionBase):
    """3D transposed convolution, for volumes."""

    type: Literal["Conv3DTranspose"] = "Conv3DTranspose"
    rank: ClassVar[Rank] = 3
    kernel_size: Sizes3D
    strides: Sizes3D = (1, 1, 1)
    output_padding: OutputPadding3D | None = None
    dilation_rate: Sizes3D = (1, 1, 1)
