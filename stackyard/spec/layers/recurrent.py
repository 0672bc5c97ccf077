"""Layers that go through a sequence step by step."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from stackyard.spec.base import Count, Seed, Share, refusal
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.network.activations import Activation
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import GlorotUniform, Initializer, Orthogonal, Zeros
from stackyard.spec.network.regularizers import Regularizer
from stackyard.spec.reading.faults import say
from stackyard.spec.tagged_union import Closed


def _may(value: object) -> object:
    if value is False or value == "auto":
        return value
    raise refusal(f'expected "auto" or false, as Keras fails on true wherever there is no GPU; received {say(value)}')


Cudnn = Annotated[Literal["auto", False], BeforeValidator(_may)]
"""Whether a GPU's own routine may be used."""


class RecurrentBase(LayerBase):
    """What every recurrent layer takes.

    `return_state` and `stateful` are here to be refused by name: a stack has no place for a second output, nor for
    batches that must all be of one size.
    """

    units: Count
    activation: Activation | None = "tanh"
    use_bias: bool = True
    kernel_initializer: Initializer = GlorotUniform()
    recurrent_initializer: Initializer = Orthogonal()
    bias_initializer: Initializer = Zeros()
    kernel_regularizer: Regularizer | None = None
    recurrent_regularizer: Regularizer | None = None
    bias_regularizer: Regularizer | None = None
    activity_regularizer: Regularizer | None = None
    kernel_constraint: Constraint | None = None
    recurrent_constraint: Constraint | None = None
    bias_constraint: Constraint | None = None
    dropout: Share = 0.0
    recurrent_dropout: Share = 0.0
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    seed: Seed | None = None

    @model_validator(mode="after")
    def _stands_in_a_stack(self) -> Self:
        if self.return_state:
            raise refusal("expected false, as the next layer takes one input; received true", "return_state")
        if self.stateful:
            message = "expected false, as the last batch of an epoch may be smaller than the others; received true"
            raise refusal(message, "stateful")
        return self


class SimpleRNN(RecurrentBase):
    """A dense layer whose output goes in again at the next step."""

    type: Literal["SimpleRNN"] = "SimpleRNN"


class GRU(RecurrentBase):
    """The gated recurrent unit."""

    type: Literal["GRU"] = "GRU"
    recurrent_activation: Activation | None = "sigmoid"
    reset_after: bool = True
    use_cudnn: Cudnn = "auto"


class LSTM(RecurrentBase):
    """Long short-term memory."""

    type: Literal["LSTM"] = "LSTM"
    recurrent_activation: Activation | None = "sigmoid"
    unit_forget_bias: bool = True
    use_cudnn: Cudnn = "auto"


Recurrent = Annotated[SimpleRNN | GRU | LSTM, Closed("a recurrent layer")]
