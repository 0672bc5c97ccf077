"""Comparison of JSON values."""

import json
from typing import Any, cast


def encode_canonically(value: object) -> str:
    """Return a text that equal JSON values share: `1` and `1.0` are equal, `1` and `true` are not."""
    return json.dumps(_convert_integral_floats(value), sort_keys=True)


def _convert_integral_floats(value: object) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            members = cast("dict[str, object]", value).items()
            return {name: _convert_integral_floats(member) for name, member in members}
        case list() | tuple():
            return [_convert_integral_floats(item) for item in cast("list[object]", value)]
        case _:
            return value
