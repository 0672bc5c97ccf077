"""Core layers."""

from typing import Literal, Self

from pydantic import model_validator

from stackyard.spec.base import PositiveFloat, PositiveInt, build_validation_error
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.network.activations import Activation as ActivationName
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import GlorotUniform, Initializer, RandomUniform, Zeros
from stackyard.spec.network.regularizers import Regularizer


class Dense(LayerBase):
    """A densely connected layer over the last axis.

    Keras's `quantization_config` is not supported, because it is only for inference.
    """

    type: Literal["Dense"] = "Dense"
    units: PositiveInt
    activation: ActivationName | None = None
    use_bias: bool = True
    kernel_initializer: Initializer = GlorotUniform()
    bias_initializer: Initializer = Zeros()
    kernel_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    activity_regularizer: Regularizer | None = None
    kernel_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None
    lora_rank: PositiveInt | None = None
    lora_alpha: PositiveFloat | None = None

    @model_validator(mode="after")
    def _check_lora(self) -> Self:
        if self.lora_rank is not None and self.kernel_constraint is not None:
            message = "expected no kernel_constraint with lora_rank: Keras does not support both"
            raise build_validation_error(message, "kernel_constraint")
        return self


class Embedding(LayerBase):
    """Maps each integer from 0 to `input_dim` - 1 to a vector. Keras truncates other numbers to integers.

    With `mask_zero`, later layers skip the positions whose input is 0. Keras's argument `weights` is not supported,
    because a spec contains no trained weights.
    """

    type: Literal["Embedding"] = "Embedding"
    input_dim: PositiveInt
    output_dim: PositiveInt
    embeddings_initializer: Initializer = RandomUniform()
    embeddings_regularizer: Regularizer | None = None
    embeddings_constraint: Constraint | None = None
    mask_zero: bool = False
    lora_rank: PositiveInt | None = None
    lora_alpha: PositiveFloat | None = None

    @model_validator(mode="after")
    def _check_lora(self) -> Self:
        if self.lora_rank is not None and self.embeddings_constraint is not None:
            message = "expected no embeddings_constraint with lora_rank: Keras does not support both"
            raise build_validation_error(message, "embeddings_constraint")
        return self


class Activation(LayerBase):
    """Applies an activation function."""

    type: Literal["Activation"] = "Activation"
    activation: ActivationName


class Identity(LayerBase):
    """Returns its inputs unchanged."""

    type: Literal["Identity"] = "Identity"


class Masking(LayerBase):
    """Makes later layers skip the steps whose values all equal `mask_value`."""

    type: Literal["Masking"] = "Masking"
    mask_value: float = 0.0
