"""Converts Pydantic's errors into faults, with pointers into the document and messages that say what is expected."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stackyard.spec.base import SpecModel
from stackyard.spec.reading.faults import MAX_FAULTS, Fault, PatchOperation, format_value, shorten_value
from stackyard.spec.reading.hints import find_key_hint
from stackyard.spec.reading.json_pointers import PathSegment, format_pointer
from stackyard.spec.suggestions import (
    MAX_LISTED_NAMES,
    find_similar_names,
    format_expected_names,
    format_suggestions,
    suggest_names,
)
from stackyard.spec.tagged_union import TAG_PREFIX

SpecClassesById = Mapping[int, type[SpecModel]]
"""The class that validated the object of this identity."""

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "an array",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "finite_number": "a finite number",
    "greater_than": "a number greater than {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number less than {lt}",
    "less_than_equal": "a number of at most {le}",
    "string_too_short": "at least {min_length} character(s)",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "letters, digits and {others}, a letter first",
    "too_short": "at least {min_length} element(s)",
    "too_long": "at most {max_length} elements",
}


_LITERAL = re.compile("'([^']*)'")
"""A choice in Pydantic's message about a literal."""


def build_faults(error: ValidationError, document: object, spec_classes: SpecClassesById) -> list[Fault]:
    """Return a fault for each of Pydantic's errors about `document`."""
    errors = [details for details in error.errors(include_url=False) if not _is_consequence(details, document)]
    # Faults beyond the maximum are only counted, and there may be thousands: they get no pointer and no fix.
    uncounted = [Fault(pointer="", message=details["msg"]) for details in errors[MAX_FAULTS:]]
    return [_build_fault(details, document, spec_classes) for details in errors[:MAX_FAULTS]] + uncounted


def _is_consequence(details: ErrorDetails, document: object) -> bool:
    """Return whether an array seems too short only because Pydantic counts its valid elements."""
    _, value = _locate_value(document, details["loc"])
    context = details.get("ctx", {})
    return (
        details["type"] == "too_short"
        and isinstance(value, list)
        and len(cast("list[object]", value)) >= context["min_length"]
    )


def _build_fault(details: ErrorDetails, document: object, spec_classes: SpecClassesById) -> Fault:
    context: dict[str, Any] = details.get("ctx", {})
    path, value = _locate_value(document, (*details["loc"], *context.get("location", ())))
    similar: Sequence[str] = ()
    patch = None
    if details["type"] == "extra_forbidden":
        _, parent = _locate_value(document, details["loc"][:-1])
        message, fix, similar = _describe_unknown_key(str(path[-1]), value, spec_classes.get(id(parent)))
        patch = _rename_key(path, similar, cast("dict[str, object]", parent))
    elif details["type"] == "literal_error":
        message, fix = _describe_unknown_literal(context["expected"], value)
    else:
        message, fix = _format_message(details, context, value), context.get("fix")
        if find_similar := context.get("find_similar"):
            similar = find_similar()
            fix, patch = format_suggestions(similar), _replace_value(path, similar)
    pointer = format_pointer(path)
    return Fault(pointer=pointer, message=message, received=shorten_value(value), fix=fix, patch=patch)


def _rename_key(
    path: tuple[PathSegment, ...], names: Sequence[str], parent: dict[str, object]
) -> tuple[PatchOperation, ...] | None:
    """Return the patch that gives a key the most probable name, unless the object has such a member."""
    if not names or names[0] in parent:
        return None
    return (PatchOperation(op="move", source=format_pointer(path), path=format_pointer((*path[:-1], names[0]))),)


def _replace_value(path: tuple[PathSegment, ...], values: Sequence[str]) -> tuple[PatchOperation, ...] | None:
    """Return the patch that replaces a value by the most probable one."""
    return (PatchOperation(op="replace", path=format_pointer(path), value=values[0]),) if values else None


def _locate_value(document: object, location: tuple[PathSegment, ...]) -> tuple[tuple[PathSegment, ...], object]:
    """Follow a location of Pydantic's as far as the document has it; return that path and the value at its end."""
    path: list[PathSegment] = []
    value = document
    for segment in location:
        if isinstance(segment, str) and segment.startswith(TAG_PREFIX):
            continue
        if isinstance(value, str):
            break  # a bare name that stands for an object: faults of the object are faults of the string
        try:
            value = cast("Any", value)[segment]
        except (KeyError, IndexError, TypeError):
            break
        path.append(segment)
    return tuple(path), value


def _format_message(details: ErrorDetails, context: dict[str, Any], value: object) -> str:
    kind = details["type"]
    name = details["loc"][-1] if details["loc"] else ""
    if kind == "invalid":
        return context["message"]
    if kind == "missing":
        return f"expected {format_value(name)}, which has no default; received nothing"
    if kind in _EXPECTED:
        others = "underscores, hyphens and dots" if "-" in str(context.get("pattern", ""))[-6:] else "underscores"
        return f"expected {_EXPECTED[kind].format(others=others, **context)}, received {_format_received(value, kind)}"
    return f"{details['msg']}, received {format_value(value)}"


def _format_received(value: object, kind: str) -> str:
    if kind in ("too_short", "too_long") and isinstance(value, list):
        return str(len(cast("list[object]", value)))
    if kind in ("string_too_short", "string_too_long") and isinstance(value, str):
        return str(len(value))
    return format_value(value)


def _describe_unknown_literal(expected: str, value: object) -> tuple[str, str | None]:
    """Return the message for a value that is none of Pydantic's quoted choices, and a suggestion for text."""
    choices = _LITERAL.findall(expected)
    if len(choices) <= MAX_LISTED_NAMES:
        return f"expected {expected}, received {format_value(value)}", None
    message = f"expected a value, {format_expected_names(choices)}; received {format_value(value)}"
    return message, suggest_names(value, choices) if isinstance(value, str) else None


def _describe_unknown_key(
    key: str, value: object, spec_class: type[SpecModel] | None
) -> tuple[str, str | None, Sequence[str]]:
    """Return the message for a key that no field reads, a fix, and the names that were probably meant."""
    if spec_class is None:
        return f"expected no {format_value(key)} here", None, ()
    fields = list(spec_class.model_fields)
    message = f"expected one of {', '.join(fields)} in {spec_class.__name__}, received {format_value(key)}"
    is_learning_rate = key == "lr" and "learning_rate" in fields
    if not is_learning_rate and (hint := find_key_hint(key, value)):
        return message, hint, ()
    similar = ["learning_rate"] if is_learning_rate else find_similar_names(key, fields, 1)
    return message, format_suggestions(similar), similar
