"""Values of a decoded document, narrowed to what they are."""

from typing import cast

from stackyard.spec.reading.json_document import JsonObject


def as_object(value: object) -> JsonObject | None:
    """Return `value` where it is an object."""
    return cast("JsonObject", value) if isinstance(value, dict) else None


def as_array(value: object) -> list[object] | None:
    """Return `value` where it is an array."""
    return cast("list[object]", value) if isinstance(value, list) else None
