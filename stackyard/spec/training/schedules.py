"""Keras's learning-rate schedules, with all of their arguments.

A schedule computes the learning rate of a step, counted from 0 over all epochs. In a LearningRateScheduler it computes
the rate of an epoch, also counted from 0. See Keras's documentation for the formulas.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self, cast

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from stackyard.spec.base import (
    JsonArray,
    Name,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SpecModel,
    build_validation_error,
)
from stackyard.spec.reading.faults import format_value
from stackyard.spec.tagged_union import TaggedUnion, UntaggedUnion


class CosineDecay(SpecModel):
    """Decays the rate along half a cosine to its fraction `alpha`.

    With `warmup_target`, the rate first rises linearly to that target in `warmup_steps`.
    """

    type: Literal["CosineDecay"] = "CosineDecay"
    initial_learning_rate: NonNegativeFloat
    decay_steps: PositiveInt
    alpha: NonNegativeFloat = 0.0
    name: Name = "CosineDecay"
    warmup_target: PositiveFloat | None = None
    warmup_steps: NonNegativeInt = 0

    @model_validator(mode="after")
    def _check_warmup(self) -> Self:
        if self.warmup_target is not None and self.warmup_steps == 0:
            raise build_validation_error(
                "expected warmup_steps of at least 1 for a warmup_target, received 0", "warmup_steps"
            )
        if self.warmup_target is None and self.warmup_steps > 0:
            raise build_validation_error(
                "expected a warmup_target, as warmup_steps is greater than 0; received null", "warmup_target"
            )
        if self.warmup_target is None and self.initial_learning_rate == 0:
            message = "expected a number greater than 0, as there is no warmup_target; received 0"
            raise build_validation_error(message, "initial_learning_rate")
        return self


class CosineDecayRestarts(SpecModel):
    """Decays the rate along half a cosine and restarts, `t_mul` times as long and `m_mul` times as high each time.

    `t_mul` must be at least 1. With a smaller one, the sum of all periods is finite, and Keras's rate is NaN after it.
    """

    type: Literal["CosineDecayRestarts"] = "CosineDecayRestarts"
    initial_learning_rate: PositiveFloat
    first_decay_steps: PositiveInt
    t_mul: Annotated[float, Field(ge=1)] = 2.0
    m_mul: PositiveFloat = 1.0
    alpha: NonNegativeFloat = 0.0
    name: Name = "SGDRDecay"


class ExponentialDecay(SpecModel):
    """Multiplies the rate by `decay_rate` every `decay_steps`, continuously, or in steps with `staircase`."""

    type: Literal["ExponentialDecay"] = "ExponentialDecay"
    initial_learning_rate: PositiveFloat
    decay_steps: PositiveInt
    decay_rate: NonNegativeFloat
    staircase: bool = False
    name: Name = "ExponentialDecay"


class InverseTimeDecay(SpecModel):
    """Divides the rate by 1 + `decay_rate` * step / `decay_steps`.

    With `staircase`, step / `decay_steps` is rounded down.
    """

    type: Literal["InverseTimeDecay"] = "InverseTimeDecay"
    initial_learning_rate: PositiveFloat
    decay_steps: PositiveFloat
    decay_rate: NonNegativeFloat
    staircase: bool = False
    name: Name = "InverseTimeDecay"


def _check_ascending(boundaries: tuple[int, ...]) -> tuple[int, ...]:
    for index, (previous, boundary) in enumerate(pairwise(boundaries), start=1):
        if boundary <= previous:
            message = f"expected more than {previous}, as boundaries must ascend; received {boundary}"
            raise build_validation_error(message, index)
    return boundaries


class PiecewiseConstantDecay(SpecModel):
    """One constant rate up to and including each boundary, and the last of `values` after all boundaries."""

    type: Literal["PiecewiseConstantDecay"] = "PiecewiseConstantDecay"
    boundaries: Annotated[
        JsonArray[NonNegativeInt], Field(min_length=1, max_length=1000), AfterValidator(_check_ascending)
    ]
    values: Annotated[JsonArray[NonNegativeFloat], Field(min_length=2, max_length=1001)]
    name: Name = "PiecewiseConstant"

    @model_validator(mode="after")
    def _check_value_count(self) -> Self:
        expected, received = len(self.boundaries) + 1, len(self.values)
        if expected != received:
            message = f"expected {expected} values, one more than there are boundaries; received {received}"
            raise build_validation_error(message, "values")
        return self


class PolynomialDecay(SpecModel):
    """Decays the rate along a polynomial to `end_learning_rate` in `decay_steps`.

    With `cycle`, the decay restarts with a multiple of `decay_steps` whenever the steps exceed it.
    """

    type: Literal["PolynomialDecay"] = "PolynomialDecay"
    initial_learning_rate: PositiveFloat
    decay_steps: PositiveInt
    end_learning_rate: NonNegativeFloat = 0.0001
    power: NonNegativeFloat = 1.0
    cycle: bool = False
    name: Name = "PolynomialDecay"


Schedule = Annotated[
    CosineDecay | CosineDecayRestarts | ExponentialDecay | InverseTimeDecay | PiecewiseConstantDecay | PolynomialDecay,
    TaggedUnion("a schedule", allow_bare_names=False),
]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_form(value: object) -> object:
    if _is_number(value) or isinstance(value, dict | SpecModel):
        return cast("object", value)
    raise build_validation_error(
        f'expected a number, or a schedule: an object with a "type"; received {format_value(value)}'
    )


LearningRate = Annotated[
    PositiveFloat | Schedule,
    UntaggedUnion(lambda value: int(not _is_number(value))),
    BeforeValidator(_check_form),
]
"""A number, or a schedule that computes one for each step."""
