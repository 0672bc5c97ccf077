"""Descriptions of types and values in plain words: `a number greater than 0, or null`."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from stackyard.spec.base import LayerName, Name, Scalar, Seed
from stackyard.spec.network.activations import Activation
from stackyard.spec.short_form import ShortForm
from stackyard.spec.tagged_union import TaggedUnion

WIDTH = 100
"""The longest line of JSON, in characters."""


def describe_type(annotation: Any) -> str:
    """Return a description of the values that a type allows: `a number greater than 0, or null`."""
    if annotation in _BY_TYPE:
        return _BY_TYPE[annotation]
    if describe := _BY_ORIGIN.get(get_origin(annotation)):
        return describe(*get_args(annotation))
    return f"[{annotation.__name__}](#{annotation.__name__.lower()})"


def format_value(value: object) -> str:
    """Return a default as a spec would write it; an object whose defaults all hold is its bare name."""
    plain = value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else value
    tag = getattr(value, "type", None)
    return f"`{json.dumps(tag if tag and not plain else plain)}`"


def get_section_anchor(union: TaggedUnion) -> str:
    """Return the anchor of the section that lists the members of a union."""
    _, what = union.label.split(" ", 1)
    if "layer" in what:
        return "layers"
    return f"{what.replace(' ', '-')}{'es' if what.endswith('s') else 's'}"


def format_json(value: Any, indent: str = "") -> str:
    """Return JSON text in which only values that are too long for one line are broken."""
    line = json.dumps(value)
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list):
        return line
    deeper = f"{indent}  "
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    members = (
        [f"{json.dumps(key)}: {format_json(member, deeper)}" for key, member in value.items()]
        if isinstance(value, dict)
        else [format_json(member, deeper) for member in value]
    )
    between = f",\n{deeper}"
    return f"{opening}\n{deeper}{between.join(members)}\n{indent}{closing}"


def _describe_union(*members: Any) -> str:
    first, *others = dict.fromkeys(map(describe_type, members))
    # The first member of `X | Items[X]` already describes an element of the second.
    return ", or ".join([first, *(re.sub(f": {re.escape(first)}$", " such", other) for other in others)])


def _describe_literal(*values: object) -> str:
    return " or ".join(f"`{json.dumps(value)}`" for value in values)


def _describe_object(_: Any, value: Any) -> str:
    return f"an object: {describe_type(value)} for each"


def _describe_annotated(bare: Any, *notes: Any) -> str:
    for note in notes:
        if isinstance(note, TaggedUnion):
            return f"[{note.label}](#{get_section_anchor(note)})"
        if isinstance(note, ShortForm):
            return f"{describe_type(bare)}, or {describe_type(note.short_type)}"
    bounds = [bound for note in notes if isinstance(note, FieldInfo) for bound in note.metadata]
    bounds_by_type = {type(bound).__name__: bound for bound in bounds}
    if get_origin(bare) is tuple:
        return f"an array{_describe_length(bounds_by_type)}: {describe_type(get_args(bare)[0])}"
    unit = " characters" if bare is str else ""
    return describe_type(bare) + _describe_length(bounds_by_type, unit) + _describe_range(bounds_by_type)


def _describe_range(bounds_by_type: dict[str, Any]) -> str:
    if {"Ge", "Le"} <= bounds_by_type.keys():
        return f" from {bounds_by_type['Ge'].ge} to {bounds_by_type['Le'].le}"
    phrases = [
        f"{words} {getattr(bounds_by_type[kind], bound)}" for kind, bound, words in _BOUNDS if kind in bounds_by_type
    ]
    return f" {' and '.join(phrases)}" if phrases else ""


def _describe_length(bounds_by_type: dict[str, Any], unit: str = "") -> str:
    minimum = bounds_by_type["MinLen"].min_length if "MinLen" in bounds_by_type else 0
    maximum = bounds_by_type["MaxLen"].max_length if "MaxLen" in bounds_by_type else None
    if maximum is None:
        return f" of at least {minimum}{unit}" if minimum else ""
    if minimum == maximum:
        return f" of {minimum}{unit}"
    return f" of {minimum} to {maximum}{unit}" if minimum else f" of at most {maximum}{unit}"


_BOUNDS = (
    ("Ge", "ge", "of at least"),
    ("Gt", "gt", "greater than"),
    ("Le", "le", "of at most"),
    ("Lt", "lt", "less than"),
)
_BY_ORIGIN: dict[Any, Callable[..., str]] = {
    Annotated: _describe_annotated,
    Union: _describe_union,
    UnionType: _describe_union,
    Literal: _describe_literal,
    dict: _describe_object,
    list: lambda member: f"{describe_type(member)}, repeated",
}
_BY_TYPE: dict[Any, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "text",
    Path: "a path",
    SecretStr: "text, kept secret",
    type(None): "null",
    Activation: "[an activation](#activations)",
    Name: "a name",
    LayerName: "a name",
    Seed: "a seed",
    Scalar: "a number, text, true or false",
}
