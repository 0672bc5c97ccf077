"""What every part of a spec has in common."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from stackyard.spec.reading.faults import say

T = TypeVar("T")

Items = Annotated[tuple[T, ...], Field(strict=False)]
"""A JSON array. Not strict about being one already, or else only a Python tuple would do; its items still are."""

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
NonPositive = Annotated[float, Field(le=0)]
Share = Annotated[float, Field(ge=0, le=1)]
"""From 0 to 1, both included."""
BelowOne = Annotated[float, Field(ge=0, lt=1)]
"""From 0 to 1, without 1."""
Fraction = Annotated[float, Field(gt=0, lt=1)]
"""Between 0 and 1, without both."""
Count = Annotated[int, Field(ge=1)]
Index = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What NumPy, TensorFlow and Keras all take for a seed."""
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
"""A name that Keras, a file and a history column can all carry."""
Text = Annotated[str, Field(min_length=1, max_length=200)]
"""Somebody else's name: a dataset's, a column's, an array's."""


class Part(BaseModel):
    """A part of a spec: closed, immutable, and strict about JSON's types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _remember(cls, value: object, info: ValidationInfo[Any]) -> object:
        remember(value, cls, info)
        return value


def remember(value: object, part: type[Part], info: ValidationInfo[Any]) -> None:
    """Note which class reads which object of the document, so that an error can name the arguments it has."""
    if info.context is not None and isinstance(value, dict):
        cast("dict[int, type[Part]]", info.context).setdefault(id(cast("object", value)), part)


def refusal(message: str, *at: str | int, fix: str | Callable[[], str | None] | None = None) -> PydanticCustomError:
    """Return the error that a validator raises: `message`, about what is `at` these steps from the value it saw.

    A `fix` that costs time to find is a function, which is called only if the problem is shown.
    """
    return PydanticCustomError("refused", "{message}", {"message": message, "at": at, "fix": fix})


def _scalar(value: object) -> object:
    if isinstance(value, bool | int | float | str):
        return value
    raise refusal(f"expected a number, a string, true or false; received {say(value)}")


Scalar = Annotated[int | float | bool | str, BeforeValidator(_scalar)]
"""One value of a dataset."""
