"""From bytes that anybody may have sent to plain JSON values, or to the whole list of what is wrong with them."""

import json
import math
import re
from collections.abc import Iterator
from itertools import accumulate, islice
from typing import Any, cast

from stackyard.spec.limits import Limits
from stackyard.spec.reading.faults import MOST_PROBLEMS, Problem, SpecError, say, shorten
from stackyard.spec.reading.json_pointers import Step, pointer

JsonObject = dict[str, Any]

_BOM = b"\xef\xbb\xbf"
_LARGEST = 2**63
_LONGEST_INTEGER = 20
"""Digits and sign of the largest 64-bit integer: a longer text is never converted, which costs quadratic time."""

# Strings (closed or not: one that never ends must be passed over in one go) and all else between two brackets. The
# possessive quantifiers keep this linear on every input.
_NO_BRACKETS = re.compile(r'(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^"\[\]{}]++)++', re.DOTALL)
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}


class _Refused:
    """Stands in the decoded document for a number that JSON does not have or that no 64 bits hold."""

    def __init__(self, text: str, reason: str) -> None:
        self.text = text
        self.reason = reason


class _Repeating(dict[str, Any]):
    """An object some of whose keys came more than once."""

    repeated: tuple[str, ...] = ()


def decode(text: bytes, limits: Limits | None = None) -> JsonObject:
    """Decode one JSON object.

    Args:
        text: UTF-8 JSON, with no byte order mark.
        limits: Bounds on size, depth and the number of elements; the defaults if None.

    Returns:
        The object, of nothing but dict, list, str, int (64 bits), finite float, bool and None.

    Raises:
        SpecError: With every duplicate key, non-finite number, too large number, unpaired surrogate and NUL
            character, or with the one reason why the text is no JSON at all. No other exception.
    """
    limits = limits or Limits()
    document = _read(_text(text, limits), limits)
    problems = _some(_faults(document, (), limits))
    if not isinstance(document, dict):
        problems.append(_at_root(f"expected a JSON object, received {say(_plain(document))}"))
    if problems:
        raise SpecError(problems)
    return cast("JsonObject", document)


def _some(faults: Iterator[Problem]) -> list[Problem]:
    """Return as many as an error shows: a hostile document has millions, each a costly object."""
    found = list(islice(faults, MOST_PROBLEMS - 2))
    if next(faults, None) is not None:
        found.append(_at_root("and more problems of this kind or other"))
    return found


def _at_root(message: str) -> Problem:
    return Problem(pointer="", message=message)


def _text(data: bytes, limits: Limits) -> str:
    if len(data) > limits.max_json_bytes:
        size = f"expected at most {limits.max_json_bytes} bytes (limit max_json_bytes), received {len(data)}"
        raise SpecError([_at_root(size)])
    if data.startswith(_BOM):
        raise SpecError([_at_root("expected UTF-8 with no byte order mark, received one: remove the first 3 bytes")])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        where = f"expected UTF-8, received the byte 0x{data[error.start]:02x} at offset {error.start}: {error.reason}"
        raise SpecError([_at_root(where)]) from None


def _read(text: str, limits: Limits) -> object:
    # Before the decoder, which recurses.
    if _too_deep(text, limits.max_json_depth):
        depth = f"expected objects and arrays at most {limits.max_json_depth} deep (limit max_json_depth)"
        raise SpecError([_at_root(f"{depth}, received deeper ones")])
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise SpecError([_at_root(f"expected JSON, received something else at {where}: {error.msg}")]) from None


def _too_deep(text: str, most: int) -> bool:
    return max(accumulate(map(_STEP.__getitem__, _NO_BRACKETS.sub("", text))), default=0) > most


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    again: dict[str, None] = {}
    for key, _ in pairs:
        if key in seen:
            again[key] = None
        seen.add(key)
    repeating = _Repeating(members)
    repeating.repeated = tuple(again)
    return repeating


def _integer(text: str) -> int | _Refused:
    if len(text) <= _LONGEST_INTEGER and -_LARGEST <= (number := int(text)) < _LARGEST:
        return number
    return _Refused(text, "an integer of 64 bits (from -2**63 to 2**63 - 1)")


def _float(text: str) -> float | _Refused:
    number = float(text)
    return number if math.isfinite(number) else _Refused(text, "a finite number of double precision")


def _constant(text: str) -> _Refused:
    return _Refused(text, "a finite number, as JSON has no other")


def _plain(value: object) -> object:
    return value.text if isinstance(value, _Refused) else value


def _faults(value: object, steps: tuple[Step, ...], limits: Limits) -> Iterator[Problem]:
    """Walk the decoded document, whose depth is bounded by now."""
    if isinstance(value, _Refused):
        received = shorten(value.text)
        message = f"expected {value.reason}, received {received}"
        yield Problem(pointer=pointer(steps), message=message, received=received)
    elif isinstance(value, str):
        if fault := _unfit(value):
            yield Problem(pointer=pointer(steps), message=f"expected text {fault}", received=shorten(value))
    elif isinstance(value, dict):
        yield from _object_faults(cast("dict[str, object]", value), steps, limits)
    elif isinstance(value, list):
        yield from _array_faults(cast("list[object]", value), steps, limits)


def _unfit(text: str) -> str | None:
    if "\0" in text:
        return "with no NUL character, received one"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "of whole Unicode characters, received half a surrogate pair"
    return None


def _object_faults(value: dict[str, object], steps: tuple[Step, ...], limits: Limits) -> Iterator[Problem]:
    if too_many := _too_many(value, steps, limits):
        yield too_many
        return
    if isinstance(value, _Repeating):
        for key in value.repeated:
            message = f"expected each key once, received {say(key)} more than once"
            yield Problem(pointer=pointer((*steps, key)), message=message)
    for key, member in value.items():
        if fault := _unfit(key):
            yield Problem(pointer=pointer((*steps, key)), message=f"expected a key {fault}", received=shorten(key))
        yield from _faults(member, (*steps, key), limits)


def _array_faults(value: list[object], steps: tuple[Step, ...], limits: Limits) -> Iterator[Problem]:
    if too_many := _too_many(value, steps, limits):
        yield too_many
        return
    for index, member in enumerate(value):
        yield from _faults(member, (*steps, index), limits)


def _too_many(value: dict[str, object] | list[object], steps: tuple[Step, ...], limits: Limits) -> Problem | None:
    if len(value) <= limits.max_json_elements:
        return None
    most = f"expected at most {limits.max_json_elements} elements (limit max_json_elements)"
    return Problem(pointer=pointer(steps), message=f"{most}, received {len(value)}")
