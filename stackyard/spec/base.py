"""Base class and field types that all classes of the spec language share."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from stackyard.spec.integral_floats import convert_integral_floats
from stackyard.spec.reading.faults import format_value

T = TypeVar("T")

JsonArray = Annotated[tuple[T, ...], Field(strict=False)]
"""A JSON array. It is not strict itself, because strict mode accepts only Python tuples; its items are strict."""

PositiveFloat = Annotated[float, Field(gt=0)]
NonNegativeFloat = Annotated[float, Field(ge=0)]
NonPositiveFloat = Annotated[float, Field(le=0)]
UnitInterval = Annotated[float, Field(ge=0, le=1)]
"""From 0 to 1, both included."""
UnitIntervalBelowOne = Annotated[float, Field(ge=0, lt=1)]
"""From 0 to 1, without 1."""
OpenUnitInterval = Annotated[float, Field(gt=0, lt=1)]
"""Between 0 and 1, both excluded."""
PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""A seed in the range that NumPy, TensorFlow and Keras all accept."""
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""A name that is valid in Keras, as a file name and as a history column."""
LayerName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]
"""The name of a layer, as Keras and TensorFlow accept it. Other than `Name`, it is no file name and no column."""
DataName = Annotated[str, Field(min_length=1, max_length=200)]
"""The name of a dataset, a column or an array, as its owner chose it."""
Axes = Annotated[JsonArray[int], Field(min_length=1, max_length=8)]
"""Axes of an array; negative ones count from the last."""


class SpecModel(BaseModel):
    """Base class of all classes of the spec language: no unknown keys, immutable, strict about JSON types.

    An integer may be written as `1.0`, because JSON Schema calls it one.
    """

    # Many processes import the spec language and validate nothing: validators are built when they are first used.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _record_spec_class(cls, value: object, info: ValidationInfo[Any]) -> object:
        record_spec_class(value, cls, info)
        return convert_integral_floats(cast("dict[str, Any]", value), cls) if isinstance(value, dict) else value


def record_spec_class(value: object, spec_class: type[SpecModel], info: ValidationInfo[Any]) -> None:
    """Record which class validates which object of the document, so that an error can list the class's arguments."""
    if info.context is not None and isinstance(value, dict):
        cast("dict[int, type[SpecModel]]", info.context).setdefault(id(cast("object", value)), spec_class)


def build_validation_error(
    message: str,
    *location: str | int,
    fix: str | None = None,
    find_similar: Callable[[], Sequence[str]] | None = None,
) -> PydanticCustomError:
    """Return the error that a validator raises.

    Args:
        message: What is expected and what was received.
        location: Keys and indexes from the validated value to the invalid one.
        fix: A correction.
        find_similar: Returns the valid values that were probably meant, the most similar first. It is called only if
            the error is reported, because it takes time.

    """
    context = {"message": message, "location": location, "fix": fix, "find_similar": find_similar}
    return PydanticCustomError("invalid", "{message}", context)


def _check_scalar(value: object) -> object:
    if isinstance(value, bool | int | float | str):
        return value
    raise build_validation_error(f"expected a number, a string, true or false; received {format_value(value)}")


Scalar = Annotated[int | float | bool | str, BeforeValidator(_check_scalar)]
"""A single value of a dataset."""
