"""Integers that a client wrote as `1.0`: JSON has one type of numbers, and JSON Schema calls them integers."""

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel

_MAX_INTEGER = 2.0**63


def convert_integral_floats(value: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return an object whose floats without a fraction are integers, in fields of a model that take no other number.

    The object itself stays unchanged.
    """
    changes = {
        name: _convert(value[name])
        for name in _list_integer_fields(model)
        if name in value and isinstance(value[name], float | list)
    }
    return value | changes if changes else value


def _convert(value: object) -> object:
    if isinstance(value, list):
        return [_convert(item) for item in cast("list[object]", value)]
    is_integral = isinstance(value, float) and value.is_integer() and abs(value) < _MAX_INTEGER
    return int(cast("float", value)) if is_integral else value


@cache
def _list_integer_fields(model: type[BaseModel]) -> tuple[str, ...]:
    types = {name: _collect_types(field.annotation) for name, field in model.model_fields.items()}
    return tuple(name for name, kinds in types.items() if int in kinds and float not in kinds)


def _collect_types(annotation: object) -> frozenset[object]:
    """Return the types that an annotation allows, also within arrays; objects have fields of their own."""
    origin = get_origin(annotation)
    if origin is Literal:
        return frozenset[object](type(value) for value in cast("tuple[object, ...]", get_args(annotation)))
    if origin is Annotated:
        return _collect_types(get_args(annotation)[0])
    if origin in {Union, UnionType, tuple}:
        return frozenset[object]().union(*(_collect_types(argument) for argument in get_args(annotation)))
    return frozenset({annotation})
