"""Keras's optimizers, with all of their arguments."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from stackyard.spec import not_offered
from stackyard.spec.base import (
    JsonArray,
    Name,
    NonNegativeFloat,
    NonNegativeInt,
    NonPositiveFloat,
    PositiveFloat,
    PositiveInt,
    SpecModel,
    UnitInterval,
    UnitIntervalBelowOne,
    build_validation_error,
)
from stackyard.spec.tagged_union import TaggedUnion
from stackyard.spec.training.schedules import LearningRate


class OptimizerBase(SpecModel):
    """Arguments of every optimizer."""

    type: Any  # declared here so that it comes first; each subclass narrows it
    learning_rate: LearningRate = 0.001
    weight_decay: NonNegativeFloat | None = None
    clipnorm: PositiveFloat | None = None
    clipvalue: PositiveFloat | None = None
    global_clipnorm: PositiveFloat | None = None
    use_ema: bool = False
    ema_momentum: UnitInterval = 0.99
    ema_overwrite_frequency: PositiveInt | None = None
    loss_scale_factor: PositiveFloat | None = None
    gradient_accumulation_steps: Annotated[int, Field(ge=2)] | None = None
    name: Name | None = None

    @model_validator(mode="after")
    def _check_clipping(self) -> Self:
        clipping = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, name) is not None]
        if len(clipping) > 1:
            message = (
                f"expected at most one of clipnorm, clipvalue and global_clipnorm; received {', '.join(clipping)}"
            )
            raise build_validation_error(message)
        return self


class SGD(OptimizerBase):
    """Stochastic gradient descent, with optional momentum."""

    type: Literal["SGD"] = "SGD"
    learning_rate: LearningRate = 0.01
    momentum: UnitInterval = 0.0
    nesterov: bool = False


class RMSprop(OptimizerBase):
    """Divides the gradient by the root of a moving average of its squares."""

    type: Literal["RMSprop"] = "RMSprop"
    rho: UnitIntervalBelowOne = 0.9
    momentum: UnitInterval = 0.0
    epsilon: PositiveFloat = 1e-07
    centered: bool = False


class Adam(OptimizerBase):
    """Adaptive moment estimation: moving averages of the gradients and of their squares."""

    type: Literal["Adam"] = "Adam"
    beta_1: UnitIntervalBelowOne = 0.9
    beta_2: UnitIntervalBelowOne = 0.999
    epsilon: PositiveFloat = 1e-07
    amsgrad: bool = False


class AdamW(Adam):
    """Adam with decoupled weight decay."""

    type: Literal["AdamW"] = "AdamW"  # pyright: ignore[reportIncompatibleVariableOverride]  # Keras derives AdamW from Adam too
    weight_decay: NonNegativeFloat = 0.004  # pyright: ignore[reportIncompatibleVariableOverride]  # Keras rejects null here


class Adamax(OptimizerBase):
    """Adam with the infinity norm instead of the second moment."""

    type: Literal["Adamax"] = "Adamax"
    beta_1: UnitIntervalBelowOne = 0.9
    beta_2: UnitIntervalBelowOne = 0.999
    epsilon: PositiveFloat = 1e-07


class Nadam(OptimizerBase):
    """Adam with Nesterov momentum."""

    type: Literal["Nadam"] = "Nadam"
    beta_1: UnitIntervalBelowOne = 0.9
    beta_2: UnitIntervalBelowOne = 0.999
    epsilon: PositiveFloat = 1e-07


class Adadelta(OptimizerBase):
    """Learning rates per parameter that adapt to a moving window of gradients."""

    type: Literal["Adadelta"] = "Adadelta"
    rho: UnitIntervalBelowOne = 0.95
    epsilon: PositiveFloat = 1e-07


class Adagrad(OptimizerBase):
    """Learning rates per parameter that decrease the more a parameter is updated."""

    type: Literal["Adagrad"] = "Adagrad"
    initial_accumulator_value: NonNegativeFloat = 0.1
    epsilon: PositiveFloat = 1e-07


class Adafactor(OptimizerBase):
    """Adaptive rates with less memory than Adam; with `relative_step`, the rate decreases with the number of steps."""

    type: Literal["Adafactor"] = "Adafactor"
    beta_2_decay: NonPositiveFloat = -0.8
    epsilon_1: PositiveFloat = 1e-30
    epsilon_2: PositiveFloat = 0.001
    clip_threshold: PositiveFloat = 1.0
    relative_step: bool = True


class Ftrl(OptimizerBase):
    """Follow the regularized leader (FTRL)."""

    type: Literal["Ftrl"] = "Ftrl"
    learning_rate_power: NonPositiveFloat = -0.5
    initial_accumulator_value: NonNegativeFloat = 0.1
    l1_regularization_strength: NonNegativeFloat = 0.0
    l2_regularization_strength: NonNegativeFloat = 0.0
    l2_shrinkage_regularization_strength: NonNegativeFloat = 0.0
    beta: NonNegativeFloat = 0.0


class Lamb(OptimizerBase):
    """Adam with learning rates adapted per layer, for large batches."""

    type: Literal["Lamb"] = "Lamb"
    beta_1: UnitIntervalBelowOne = 0.9
    beta_2: UnitIntervalBelowOne = 0.999
    epsilon: PositiveFloat = 1e-07


class Lion(OptimizerBase):
    """Updates by the sign of the momentum."""

    type: Literal["Lion"] = "Lion"
    beta_1: Annotated[float, Field(gt=0, le=1)] = 0.9
    beta_2: UnitIntervalBelowOne = 0.99


class Muon(OptimizerBase):
    """Orthogonalized momentum for matrices, AdamW for all other weights.

    `exclude_layers` lists parts of weight names whose weights use AdamW. Keras treats them as regular expressions, but
    they may only contain letters, digits and underscores here.
    """

    type: Literal["Muon"] = "Muon"
    weight_decay: NonNegativeFloat | None = 0.004
    adam_beta_1: UnitIntervalBelowOne = 0.9
    adam_beta_2: UnitIntervalBelowOne = 0.999
    adam_weight_decay: NonNegativeFloat | None = 0.004
    epsilon: PositiveFloat = 1e-07
    exclude_layers: Annotated[JsonArray[Name], Field(max_length=100)] | None = None
    exclude_embeddings: bool = True
    muon_a: float = 3.4445
    muon_b: float = -4.775
    muon_c: float = 2.0315
    adam_lr_ratio: PositiveFloat = 1.0
    momentum: UnitIntervalBelowOne = 0.95
    ns_steps: Annotated[int, Field(ge=1, le=100)] = 5
    nesterov: bool = True
    rms_rate: NonNegativeFloat | None = 0.2


class ScheduleFreeAdamW(OptimizerBase):
    """AdamW that needs no learning-rate schedule."""

    type: Literal["ScheduleFreeAdamW"] = "ScheduleFreeAdamW"
    learning_rate: LearningRate = 0.0025
    beta_1: UnitIntervalBelowOne = 0.9
    beta_2: UnitIntervalBelowOne = 0.999
    epsilon: PositiveFloat = 1e-08
    warmup_steps: NonNegativeInt = 0


Optimizer = Annotated[
    SGD
    | RMSprop
    | Adam
    | AdamW
    | Adamax
    | Nadam
    | Adadelta
    | Adagrad
    | Adafactor
    | Ftrl
    | Lamb
    | Lion
    | Muon
    | ScheduleFreeAdamW,
    TaggedUnion("an optimizer", not_offered=not_offered.OPTIMIZERS),
]
"""Not supported: LossScaleOptimizer and MultiOptimizer, because they only wrap other optimizers."""
