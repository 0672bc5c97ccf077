"""The search space of a sweep: for JSON pointers into a job spec, the values that its trials try."""

import re
from collections.abc import Mapping
from functools import cached_property
from math import isfinite
from typing import Annotated, Any, Self, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from stackyard.spec.base import JsonArray, PositiveFloat, PositiveInt, SpecModel, build_validation_error
from stackyard.spec.reading.faults import format_value
from stackyard.spec.short_form import ShortForm
from stackyard.spec.tagged_union import UntaggedUnion
from stackyard.sweep.json_values import encode_canonically


def _check_pointer(pointer: str) -> str:
    """Reject a text that is no JSON pointer, such as a path with dots."""
    if not pointer.startswith("/"):
        fix = f'did you mean "/{pointer.lstrip("$.").replace(".", "/")}"?'
        message = f'expected a JSON pointer into the base, which starts with "/"; received {format_value(pointer)}'
        raise build_validation_error(message, fix=fix)
    if re.search("~(?![01])", pointer):
        message = f'expected "~0" for "~" and "~1" for "/" within a name, received {format_value(pointer)}'
        raise build_validation_error(message)
    return pointer


Pointer = Annotated[
    str, Field(min_length=1, max_length=500, json_schema_extra={"pattern": "^/"}), AfterValidator(_check_pointer)
]
"""A JSON pointer (RFC 6901) into a job spec, such as `/training/optimizer/learning_rate`."""
Also = Annotated[JsonArray[Pointer], Field(max_length=100)]
Bounds = Annotated[JsonArray[float], Field(min_length=2, max_length=2)]
IntBounds = Annotated[JsonArray[int], Field(min_length=2, max_length=2)]
MAX_VALUES = 1000
"""Number of values that one parameter may list."""
MAX_STEPS = 1_000_000
"""Number of steps between the bounds of one parameter."""


class ParameterBase(SpecModel):
    """Arguments of every parameter. The pointers of `also` get the same value as the parameter's own."""

    also: Also = ()


class Uniform(ParameterBase):
    """A number between two bounds, both included. With `step`, it is the lower bound plus a multiple of the step."""

    uniform: Bounds
    step: PositiveFloat | None = None

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        _check_ascending("uniform", self.uniform)
        if self.step is not None and self.step > self.uniform[1] - self.uniform[0]:
            message = f"expected a step of at most {self.uniform[1] - self.uniform[0]:g}, the distance of the bounds"
            raise build_validation_error(f"{message}; received {format_value(self.step)}", "step")
        if self.step is not None and self.step * MAX_STEPS < self.uniform[1] - self.uniform[0]:
            message = f"expected at most {MAX_STEPS} steps between the bounds"
            raise build_validation_error(f"{message}; received a step of {format_value(self.step)}", "step")
        return self


class LogUniform(ParameterBase):
    """A number between two positive bounds, whose logarithm is uniform: each power of ten is equally probable."""

    log_uniform: Bounds

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        low, high = self.log_uniform
        if low <= 0:
            fix = (
                f"the bounds are values, not exponents: [{10.0**low:g}, {10.0**high:g}]"
                if _are_exponents(low, high)
                else None
            )
            message = f"expected a number greater than 0, received {format_value(low)}"
            raise build_validation_error(message, "log_uniform", 0, fix=fix)
        _check_ascending("log_uniform", self.log_uniform)
        return self


class IntRange(ParameterBase):
    """An integer between two bounds, both included. With `log`, its logarithm is uniform."""

    int: IntBounds
    log: bool = False
    step: PositiveInt = 1

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        low, high = self.int
        _check_ascending("int", self.int)
        if self.log and low < 1:
            raise build_validation_error(f"expected at least 1 with log, received {low}", "int", 0)
        if self.log and self.step != 1:
            raise build_validation_error("expected no step with log: leave out one of the two", "step")
        if self.step > high - low:
            message = f"expected a step of at most {high - low}, the distance of the bounds"
            raise build_validation_error(f"{message}; received {self.step}", "step")
        return self


class Values(ParameterBase):
    """One of several JSON values, all equally probable. An array is short for the object with these `values`."""

    values: Annotated[JsonArray[JsonValue], Field(min_length=1, max_length=MAX_VALUES)]

    @model_validator(mode="after")
    def _check_distinct(self) -> Self:
        _check_distinct(self.values, "values")
        return self

    @cached_property
    def indices(self) -> dict[str, int]:
        """The index of each value, by its canonical text. Searches look it up for every trial."""
        return {encode_canonically(value): index for index, value in enumerate(self.values)}


class Option(SpecModel):
    """One option of a choice.

    `set` is the value at the pointer of the choice; without it, the value of the base stays. `also_set` has values for
    further pointers: settings that belong together. `space` has the parameters that exist only with this option. Its
    pointers may lead into the value that `set` gives.
    """

    set: JsonValue = None
    also_set: Mapping[Pointer, JsonValue] = Field(default={}, max_length=100)
    space: "Space" = Field(default={})

    @property
    def has_value(self) -> bool:
        """Whether the option gives the pointer of the choice a value, which may be null."""
        return "set" in self.model_fields_set

    @model_serializer(mode="wrap")
    def _leave_out_missing_value(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write `set` only if it was given: null is a value, too."""
        document = serialize(self)
        return document if self.has_value else {name: value for name, value in document.items() if name != "set"}


class Choice(ParameterBase):
    """One of several options, all equally probable, each with parameters of its own."""

    choice: Annotated[JsonArray[Option], Field(min_length=1, max_length=MAX_VALUES)]

    @model_validator(mode="after")
    def _check_distinct(self) -> Self:
        values = [option.set for option in self.choice if option.has_value]
        if len(self.choice) - len(values) > 1:
            raise build_validation_error('expected a "set" in all options but one', "choice")
        _check_distinct(tuple(values), "choice")
        return self


_FORMS: Mapping[str, type[ParameterBase]] = {
    "uniform": Uniform,
    "log_uniform": LogUniform,
    "int": IntRange,
    "values": Values,
    "choice": Choice,
}
_CLASSES = tuple(_FORMS.values())


def _check_form(value: object) -> object:
    """Reject a value that has none of the forms of a parameter, or several."""
    if isinstance(value, list | ParameterBase):
        return cast("object", value)
    expected = f"expected a parameter: an object with one of {', '.join(_FORMS)}, or an array of values"
    if not isinstance(value, dict):
        fix = "change the base to fix a value" if isinstance(value, str | int | float) else None
        raise build_validation_error(f"{expected}; received {format_value(value)}", fix=fix)
    forms = [form for form in _FORMS if form in value]
    if len(forms) != 1:
        received = " and ".join(forms) or ", ".join(
            format_value(key) for key in list(cast("dict[str, object]", value))[:5]
        )
        raise build_validation_error(f"{expected}; received {received or 'an empty object'}")
    return cast("object", value)


def _select_form(value: object) -> int:
    if isinstance(value, list):
        return _CLASSES.index(Values)
    if isinstance(value, dict):
        return next(index for index, form in enumerate(_FORMS) if form in value)
    return _CLASSES.index(cast("type[ParameterBase]", type(value)))


Parameter = Annotated[
    Uniform | LogUniform | IntRange | Annotated[Values, ShortForm("values", JsonArray[JsonValue], (list,))] | Choice,
    UntaggedUnion(_select_form),
    BeforeValidator(_check_form),
]
"""What the trials try at one pointer. The key of the object says how the values are drawn."""

Space = Mapping[Pointer, Parameter]
"""Parameters by the JSON pointer into the base."""

Option.model_rebuild()
Choice.model_rebuild()


def _are_exponents(low: float, high: float) -> bool:
    return low < high and max(abs(low), abs(high)) <= 30  # noqa: PLR2004  # powers of ten that people mean


def _check_ascending(name: str, bounds: tuple[float, ...]) -> None:
    low, high = bounds
    if low >= high:
        fix = f"[{high}, {low}]" if low > high else "leave the parameter out, and set the value in the base"
        raise build_validation_error(f"expected an upper bound above {low}, received {high}", name, 1, fix=fix)
    if not isfinite(high - low):
        raise build_validation_error("expected bounds whose difference is a number, received an infinite one", name)


def _check_distinct(values: tuple[JsonValue, ...], name: str) -> None:
    seen: set[str] = set()
    for index, value in enumerate(values):
        text = encode_canonically(value)
        if text in seen:
            raise build_validation_error("expected different values, received this one twice", name, index)
        seen.add(text)
