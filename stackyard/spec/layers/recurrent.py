"""Recurrent layers."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from stackyard.spec.base import PositiveInt, Seed, UnitInterval, build_validation_error
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.network.activations import Activation
from stackyard.spec.network.constraints import Constraint
from stackyard.spec.network.initializers import GlorotUniform, Initializer, Orthogonal, Zeros
from stackyard.spec.network.regularizers import Regularizer
from stackyard.spec.reading.faults import format_value
from stackyard.spec.tagged_union import TaggedUnion


def _check_use_cudnn(value: object) -> object:
    if value is False or value == "auto":
        return value
    expected = 'expected "auto" or false, as Keras fails with true on a machine without a GPU'
    message = f"{expected}; received {format_value(value)}"
    raise build_validation_error(message)


UseCudnn = Annotated[Literal["auto", False], BeforeValidator(_check_use_cudnn)]
"""Whether a layer may use cuDNN's implementation on a GPU."""


class RecurrentBase(LayerBase):
    """Arguments of every recurrent layer.

    `return_state` and `stateful` must be false: a sequential stack cannot use a second output, and stateful layers
    need batches of equal size.
    """

    units: PositiveInt
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
    dropout: UnitInterval = 0.0
    recurrent_dropout: UnitInterval = 0.0
    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    seed: Seed | None = None

    @model_validator(mode="after")
    def _check_stackable(self) -> Self:
        if self.return_state:
            raise build_validation_error(
                "expected false, as the next layer takes one input; received true", "return_state"
            )
        if self.stateful:
            message = "expected false, as the last batch of an epoch may be smaller than the others; received true"
            raise build_validation_error(message, "stateful")
        return self


class SimpleRNN(RecurrentBase):
    """A fully connected recurrent layer, whose output is fed back at the next step."""

    type: Literal["SimpleRNN"] = "SimpleRNN"


class GRU(RecurrentBase):
    """Gated recurrent unit."""

    type: Literal["GRU"] = "GRU"
    recurrent_activation: Activation | None = "sigmoid"
    reset_after: bool = True
    use_cudnn: UseCudnn = "auto"


class LSTM(RecurrentBase):
    """Long short-term memory."""

    type: Literal["LSTM"] = "LSTM"
    recurrent_activation: Activation | None = "sigmoid"
    unit_forget_bias: bool = True
    use_cudnn: UseCudnn = "auto"


RecurrentLayer = Annotated[SimpleRNN | GRU | LSTM, TaggedUnion("a recurrent layer")]
