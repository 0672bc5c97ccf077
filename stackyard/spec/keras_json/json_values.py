"""Narrows the types of values of a decoded document."""

from typing import cast

from stackyard.spec.reading.json_document import JsonObject


def as_object(value: object) -> JsonObject | None:
    """Return `value` if it is an object, otherwise None."""
    return cast("JsonObject", value) if isinstance(value, dict) else None


def as_array(value: object) -> list[object] | None:
    """Return `value` if it is an array, otherwise None."""
    return cast("list[object]", value) if isinstance(value, list) else None
