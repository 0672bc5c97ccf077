"""Keras's learning-rate schedules, with every argument.

A schedule gives the learning rate of a step, counted from 0 over all epochs; Keras's own pages have the formulas. As
the schedule of a LearningRateScheduler it is asked for an epoch instead, counted from 0 too.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self, cast

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from stackyard.spec.base import Count, Index, Items, Name, NonNegative, Part, Positive, refusal
from stackyard.spec.reading.faults import say
from stackyard.spec.tagged_union import Chosen, Closed


class CosineDecay(Part):
    """Half a cosine down to `alpha` of the rate, after a straight rise to `warmup_target` where there is one."""

    type: Literal["CosineDecay"] = "CosineDecay"
    initial_learning_rate: NonNegative
    decay_steps: Count
    alpha: NonNegative = 0.0
    name: Name = "CosineDecay"
    warmup_target: Positive | None = None
    warmup_steps: Index = 0

    @model_validator(mode="after")
    def _warm_up_whole_or_not_at_all(self) -> Self:
        if self.warmup_target is not None and self.warmup_steps == 0:
            raise refusal("expected warmup_steps of at least 1 for a warmup_target, received 0", "warmup_steps")
        if self.warmup_target is None and self.warmup_steps > 0:
            raise refusal("expected a warmup_target, as there are warmup_steps; received null", "warmup_target")
        if self.warmup_target is None and self.initial_learning_rate == 0:
            message = "expected a number greater than 0, as there is no warmup_target; received 0"
            raise refusal(message, "initial_learning_rate")
        return self


class CosineDecayRestarts(Part):
    """Half a cosine again and again, each `t_mul` times as long and `m_mul` times as high as the one before.

    `t_mul` is at least 1: below it the halves get ever shorter, and where they add up Keras's rate is NaN.
    """

    type: Literal["CosineDecayRestarts"] = "CosineDecayRestarts"
    initial_learning_rate: Positive
    first_decay_steps: Count
    t_mul: Annotated[float, Field(ge=1)] = 2.0
    m_mul: Positive = 1.0
    alpha: NonNegative = 0.0
    name: Name = "SGDRDecay"


class ExponentialDecay(Part):
    """Multiplies the rate by `decay_rate` every `decay_steps`, at once where it is a `staircase`."""

    type: Literal["ExponentialDecay"] = "ExponentialDecay"
    initial_learning_rate: Positive
    decay_steps: Count
    decay_rate: NonNegative
    staircase: bool = False
    name: Name = "ExponentialDecay"


class InverseTimeDecay(Part):
    """Divides the rate by 1 + `decay_rate` * step / `decay_steps`."""

    type: Literal["InverseTimeDecay"] = "InverseTimeDecay"
    initial_learning_rate: Positive
    decay_steps: Positive
    decay_rate: NonNegative
    staircase: bool = False
    name: Name = "InverseTimeDecay"


def _ascending(boundaries: tuple[int, ...]) -> tuple[int, ...]:
    for index, (before, here) in enumerate(pairwise(boundaries), start=1):
        if here <= before:
            raise refusal(f"expected more than {before}, as boundaries ascend; received {here}", index)
    return boundaries


class PiecewiseConstantDecay(Part):
    """One value up to and including each boundary, and the last value after them."""

    type: Literal["PiecewiseConstantDecay"] = "PiecewiseConstantDecay"
    boundaries: Annotated[Items[Index], Field(min_length=1, max_length=1000), AfterValidator(_ascending)]
    values: Annotated[Items[NonNegative], Field(min_length=2, max_length=1001)]
    name: Name = "PiecewiseConstant"

    @model_validator(mode="after")
    def _a_value_on_each_side(self) -> Self:
        wanted, received = len(self.boundaries) + 1, len(self.values)
        if wanted != received:
            message = f"expected {wanted} values, one more than there are boundaries; received {received}"
            raise refusal(message, "values")
        return self


class PolynomialDecay(Part):
    """Down to `end_learning_rate` in `decay_steps`; with `cycle`, again from higher and for longer."""

    type: Literal["PolynomialDecay"] = "PolynomialDecay"
    initial_learning_rate: Positive
    decay_steps: Count
    end_learning_rate: NonNegative = 0.0001
    power: NonNegative = 1.0
    cycle: bool = False
    name: Name = "PolynomialDecay"


Schedule = Annotated[
    CosineDecay | CosineDecayRestarts | ExponentialDecay | InverseTimeDecay | PiecewiseConstantDecay | PolynomialDecay,
    Closed("a schedule", bare=False),
]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number_or_object(value: object) -> object:
    if _is_number(value) or isinstance(value, dict | Part):
        return cast("object", value)
    raise refusal(f'expected a number, or a schedule: an object with a "type"; received {say(value)}')


LearningRate = Annotated[
    Positive | Schedule,
    Chosen(lambda value: int(not _is_number(value))),
    BeforeValidator(_number_or_object),
]
"""A number, or a schedule that makes one for each step."""
