"""Keras's core layers."""

from typing import Literal, Self

from pydantic import model_validator

from stackyard.spec.activations import Activation as ActivationName
from stackyard.spec.base import Count, Positive, refusal
from stackyard.spec.constraints import Constraint
from stackyard.spec.initializers import GlorotUniform, Initializer, Zeros
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.regularizers import Regularizer


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


class Activation(LayerBase):
    """An activation function on its own."""

    type: Literal["Activation"] = "Activation"
    activation: ActivationName
