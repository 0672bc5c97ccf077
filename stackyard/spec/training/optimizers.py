"""Every Keras optimizer that trains on its own, with every argument."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from stackyard.spec.base import (
    BelowOne,
    Count,
    Index,
    Items,
    Name,
    NonNegative,
    NonPositive,
    Part,
    Positive,
    Share,
    refusal,
)
from stackyard.spec.tagged_union import Closed
from stackyard.spec.training.schedules import LearningRate


class OptimizerBase(Part):
    """What every optimizer takes."""

    type: Any  # each subclass narrows it; here so that it comes first
    learning_rate: LearningRate = 0.001
    weight_decay: NonNegative | None = None
    clipnorm: Positive | None = None
    clipvalue: Positive | None = None
    global_clipnorm: Positive | None = None
    use_ema: bool = False
    ema_momentum: Share = 0.99
    ema_overwrite_frequency: Count | None = None
    loss_scale_factor: Positive | None = None
    gradient_accumulation_steps: Annotated[int, Field(ge=2)] | None = None
    name: Name | None = None

    @model_validator(mode="after")
    def _one_way_to_clip(self) -> Self:
        given = [name for name in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, name) is not None]
        if len(given) > 1:
            raise refusal(f"expected one of clipnorm, clipvalue and global_clipnorm; received {', '.join(given)}")
        return self


class SGD(OptimizerBase):
    """Gradient descent, with momentum."""

    type: Literal["SGD"] = "SGD"
    learning_rate: LearningRate = 0.01
    momentum: Share = 0.0
    nesterov: bool = False


class RMSprop(OptimizerBase):
    """Divides by a running mean of the squares of gradients."""

    type: Literal["RMSprop"] = "RMSprop"
    rho: BelowOne = 0.9
    momentum: Share = 0.0
    epsilon: Positive = 1e-07
    centered: bool = False


class Adam(OptimizerBase):
    """Running means of gradients and of their squares."""

    type: Literal["Adam"] = "Adam"
    beta_1: BelowOne = 0.9
    beta_2: BelowOne = 0.999
    epsilon: Positive = 1e-07
    amsgrad: bool = False


class AdamW(Adam):
    """Adam with decoupled weight decay."""

    type: Literal["AdamW"] = "AdamW"  # pyright: ignore[reportIncompatibleVariableOverride]  # one Keras class of another
    weight_decay: NonNegative = 0.004  # pyright: ignore[reportIncompatibleVariableOverride]  # Keras refuses null here


class Adamax(OptimizerBase):
    """Adam by the infinity norm."""

    type: Literal["Adamax"] = "Adamax"
    beta_1: BelowOne = 0.9
    beta_2: BelowOne = 0.999
    epsilon: Positive = 1e-07


class Nadam(OptimizerBase):
    """Adam with Nesterov's momentum."""

    type: Literal["Nadam"] = "Nadam"
    beta_1: BelowOne = 0.9
    beta_2: BelowOne = 0.999
    epsilon: Positive = 1e-07


class Adadelta(OptimizerBase):
    """Rates that adapt over a window of gradients."""

    type: Literal["Adadelta"] = "Adadelta"
    rho: BelowOne = 0.95
    epsilon: Positive = 1e-07


class Adagrad(OptimizerBase):
    """Rates that fall with how often a parameter moved."""

    type: Literal["Adagrad"] = "Adagrad"
    initial_accumulator_value: NonNegative = 0.1
    epsilon: Positive = 1e-07


class Adafactor(OptimizerBase):
    """Adam in less memory; `relative_step` makes the rate fall with the steps."""

    type: Literal["Adafactor"] = "Adafactor"
    beta_2_decay: NonPositive = -0.8
    epsilon_1: Positive = 1e-30
    epsilon_2: Positive = 0.001
    clip_threshold: Positive = 1.0
    relative_step: bool = True


class Ftrl(OptimizerBase):
    """Follow the regularised leader."""

    type: Literal["Ftrl"] = "Ftrl"
    learning_rate_power: NonPositive = -0.5
    initial_accumulator_value: NonNegative = 0.1
    l1_regularization_strength: NonNegative = 0.0
    l2_regularization_strength: NonNegative = 0.0
    l2_shrinkage_regularization_strength: NonNegative = 0.0
    beta: NonNegative = 0.0


class Lamb(OptimizerBase):
    """Adam with rates by layer, for large batches."""

    type: Literal["Lamb"] = "Lamb"
    beta_1: BelowOne = 0.9
    beta_2: BelowOne = 0.999
    epsilon: Positive = 1e-07


class Lion(OptimizerBase):
    """The sign of a momentum."""

    type: Literal["Lion"] = "Lion"
    beta_1: Annotated[float, Field(gt=0, le=1)] = 0.9
    beta_2: BelowOne = 0.99


class Muon(OptimizerBase):
    """Orthogonalised momentum for matrices, AdamW for the rest.

    `exclude_layers` holds parts of names of weights. Keras reads them as regular expressions: a `Name` has no magic.
    """

    type: Literal["Muon"] = "Muon"
    weight_decay: NonNegative | None = 0.004
    adam_beta_1: BelowOne = 0.9
    adam_beta_2: BelowOne = 0.999
    adam_weight_decay: NonNegative | None = 0.004
    epsilon: Positive = 1e-07
    exclude_layers: Annotated[Items[Name], Field(max_length=100)] | None = None
    exclude_embeddings: bool = True
    muon_a: float = 3.4445
    muon_b: float = -4.775
    muon_c: float = 2.0315
    adam_lr_ratio: Positive = 1.0
    momentum: BelowOne = 0.95
    ns_steps: Annotated[int, Field(ge=1, le=100)] = 5
    nesterov: bool = True
    rms_rate: NonNegative | None = 0.2


class ScheduleFreeAdamW(OptimizerBase):
    """AdamW that needs no schedule."""

    type: Literal["ScheduleFreeAdamW"] = "ScheduleFreeAdamW"
    learning_rate: LearningRate = 0.0025
    beta_1: BelowOne = 0.9
    beta_2: BelowOne = 0.999
    epsilon: Positive = 1e-08
    warmup_steps: Index = 0


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
    Closed("an optimizer"),
]
"""Not offered: LossScaleOptimizer and MultiOptimizer, which only wrap others."""
