"""Keras's core layers."""

from typing import Literal, Self

from pydantic import model_validator

from stackyard.spec.base import Count, Positive, refusal
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.network.activations import Activation as ActivationName
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import GlorotUniform, Initializer, RandomUniform, Zeros
from stackyard.spec.network.regularizers import Regularizer


class Dense(LayerBase):
    """A densely connected layer, over the last axis. Keras's `quantization_config` is for inference and left out."""

    type: Literal["Dense"] = "Dense"
    units: Count
    activation: ActivationName | None = None
    use_bias: bool = True
    kernel_initializer: Initializer = GlorotUniform()
    bias_initializer: Initializer = Zeros()
    kernel_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    activity_regularizer: Regularizer | None = None
    kernel_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None
    lora_rank: Count | None = None
    lora_alpha: Positive | None = None

    @model_validator(mode="after")
    def _lora_is_alone(self) -> Self:
        if self.lora_rank is not None and self.kernel_constraint is not None:
            raise refusal("expected no kernel_constraint beside lora_rank: Keras has no both", "kernel_constraint")
        return self


class Embedding(LayerBase):
    """A vector for each whole number from 0 to `input_dim` - 1; Keras cuts the fraction off any other number.

    With `mask_zero`, later layers leave out the places where the number is 0. Keras's `weights`, the numbers of a
    trained network, are no part of a spec.
    """

    type: Literal["Embedding"] = "Embedding"
    input_dim: Count
    output_dim: Count
    embeddings_initializer: Initializer = RandomUniform()
    embeddings_regularizer: Regularizer | None = None
    embeddings_constraint: Constraint | None = None
    mask_zero: bool = False
    lora_rank: Count | None = None
    lora_alpha: Positive | None = None

    @model_validator(mode="after")
    def _lora_is_alone(self) -> Self:
        if self.lora_rank is not None and self.embeddings_constraint is not None:
            message = "expected no embeddings_constraint beside lora_rank: Keras has no both"
            raise refusal(message, "embeddings_constraint")
        return self


class Activation(LayerBase):
    """An activation function on its own."""

    type: Literal["Activation"] = "Activation"
    activation: ActivationName


class Identity(LayerBase):
    """Lets everything through."""

    type: Literal["Identity"] = "Identity"


class Masking(LayerBase):
    """Makes later layers leave out the steps all of whose numbers are `mask_value`."""

    type: Literal["Masking"] = "Masking"
    mask_value: float = 0.0
