"""Types and values of the spec language in plain words."""

import json
import re
from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stackyard.spec.base import Name, Scalar, Seed
from stackyard.spec.network.activations import Activation
from stackyard.spec.tagged_union import Closed

WIDTH = 100
"""Of a line of JSON."""


def say_type(annotation: Any) -> str:
    """Return what an argument of this type takes: `a number greater than 0, or null`."""
    if annotation in _KNOWN:
        return _KNOWN[annotation]
    if say := _BY_ORIGIN.get(get_origin(annotation)):
        return say(*get_args(annotation))
    return f"[{annotation.__name__}](#{annotation.__name__.lower()})"


def say_value(value: object) -> str:
    """Return a default as a spec would have it; a part that its bare name stands for, by that name."""
    plain = value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else value
    tag = getattr(value, "type", None)
    return f"`{json.dumps(tag if tag and not plain else plain)}`"


def section_of(union: Closed) -> str:
    """Return the anchor of the section that lists a union's parts."""
    _, what = union.what.split(" ", 1)
    if "layer" in what:
        return "layers"
    return f"{what.replace(' ', '-')}{'es' if what.endswith('s') else 's'}"


def lay_out(value: Any, indent: str = "") -> str:
    """Return JSON text that breaks what does not fit on a line, and nothing else."""
    line = json.dumps(value)
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list):
        return line
    deeper = f"{indent}  "
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    members = (
        [f"{json.dumps(key)}: {lay_out(member, deeper)}" for key, member in value.items()]
        if isinstance(value, dict)
        else [lay_out(member, deeper) for member in value]
    )
    between = f",\n{deeper}"
    return f"{opening}\n{deeper}{between.join(members)}\n{indent}{closing}"


def _say_union(*members: Any) -> str:
    first, *others = dict.fromkeys(map(say_type, members))
    # `X | Items[X]`: what each element is has been said.
    return ", or ".join([first, *(re.sub(f": {re.escape(first)}$", " such", other) for other in others)])


def _say_literal(*values: object) -> str:
    return " or ".join(f"`{json.dumps(value)}`" for value in values)


def _say_object(_: Any, value: Any) -> str:
    return f"an object: {say_type(value)} for each"


def _say_annotated(bare: Any, *notes: Any) -> str:
    for note in notes:
        if isinstance(note, Closed):
            return f"[{note.what}](#{section_of(note)})"
    bounds = [bound for note in notes if isinstance(note, FieldInfo) for bound in note.metadata]
    known = {type(bound).__name__: bound for bound in bounds}
    if get_origin(bare) is tuple:
        return f"an array{_say_length(known)}: {say_type(get_args(bare)[0])}"
    unit = " characters" if bare is str else ""
    return say_type(bare) + _say_length(known, unit) + _say_range(known)


def _say_range(known: dict[str, Any]) -> str:
    if {"Ge", "Le"} <= known.keys():
        return f" from {known['Ge'].ge} to {known['Le'].le}"
    said = [f"{words} {getattr(known[kind], bound)}" for kind, bound, words in _BOUNDS if kind in known]
    return f" {' and '.join(said)}" if said else ""


def _say_length(known: dict[str, Any], unit: str = "") -> str:
    least = known["MinLen"].min_length if "MinLen" in known else 0
    most = known["MaxLen"].max_length if "MaxLen" in known else None
    if most is None:
        return f" of at least {least}{unit}" if least else ""
    if least == most:
        return f" of {least}{unit}"
    return f" of {least} to {most}{unit}" if least else f" of at most {most}{unit}"


_BOUNDS = (
    ("Ge", "ge", "of at least"),
    ("Gt", "gt", "greater than"),
    ("Le", "le", "of at most"),
    ("Lt", "lt", "less than"),
)
_BY_ORIGIN: dict[Any, Callable[..., str]] = {
    Annotated: _say_annotated,
    Union: _say_union,
    UnionType: _say_union,
    Literal: _say_literal,
    dict: _say_object,
}
_KNOWN: dict[Any, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "text",
    type(None): "null",
    Activation: "[an activation](#activations)",
    Name: "a name",
    Seed: "a seed",
    Scalar: "a number, text, true or false",
}
