"""Decodes untrusted bytes into plain JSON values, or into a list of all their faults."""

import json
import math
import re
from collections.abc import Iterator
from itertools import accumulate, islice
from typing import Any, cast

from stackyard.spec.limits import Limits
from stackyard.spec.reading.faults import MAX_FAULTS, Fault, SpecError, format_value, shorten_value
from stackyard.spec.reading.json_pointers import PathSegment, format_pointer
from stackyard.spec.reading.json_syntax import describe_syntax_error

JsonObject = dict[str, Any]

_BOM = b"\xef\xbb\xbf"
_INTEGER_BOUND = 2**63
_MAX_INTEGER_LENGTH = 20
"""Digits and sign of the largest 64-bit integer. A longer text is never converted, which would take quadratic time."""

# Strings and all other text between two brackets. The pattern also matches a string that never ends, so that it is
# skipped in one pass. The possessive quantifiers keep the match linear for every input.
_NO_BRACKETS = re.compile(r'(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^"\[\]{}]++)++', re.DOTALL)
_DEPTH_CHANGES = {"[": 1, "{": 1, "]": -1, "}": -1}


class _InvalidNumber:
    """Placeholder in the decoded document for a number that is not JSON or does not fit into 64 bits."""

    def __init__(self, text: str, expected: str) -> None:
        self.text = text
        self.expected = expected


class _DuplicateKeysObject(dict[str, Any]):
    """An object with keys that occur more than once."""

    duplicate_keys: tuple[str, ...] = ()


def decode_json_object(text: bytes, limits: Limits | None = None) -> JsonObject:
    """Decode one JSON object.

    Args:
        text: UTF-8 JSON, with no byte order mark.
        limits: Bounds on size, depth and the number of elements; the defaults if None.

    Returns:
        The object. It consists only of dict, list, str, int (64 bits), finite float, bool and None.

    Raises:
        SpecError: With every duplicate key, non-finite number, too large number, unpaired surrogate and NUL
            character, or with the one reason why the text is not JSON. No other exception.
    """
    limits = limits or Limits()
    document = _parse_json(_decode_text(text, limits), limits)
    faults = _limit_faults(_find_faults(document, (), limits))
    if not isinstance(document, dict):
        received = document.text if isinstance(document, _InvalidNumber) else document
        faults.append(_build_root_fault(f"expected a JSON object, received {format_value(received)}"))
    if faults:
        raise SpecError(faults)
    return cast("JsonObject", document)


def _limit_faults(faults: Iterator[Fault]) -> list[Fault]:
    """Return as many faults as an error shows: a hostile document has millions, and each costs memory."""
    limited = list(islice(faults, MAX_FAULTS - 2))
    if next(faults, None) is not None:
        limited.append(_build_root_fault("and more errors"))
    return limited


def _build_root_fault(message: str) -> Fault:
    return Fault(pointer="", message=message)


def _decode_text(data: bytes, limits: Limits) -> str:
    if len(data) > limits.max_json_bytes:
        message = f"expected at most {limits.max_json_bytes} bytes (limit max_json_bytes), received {len(data)}"
        raise SpecError([_build_root_fault(message)])
    if data.startswith(_BOM):
        message = "expected UTF-8 with no byte order mark, received one: remove the first 3 bytes"
        raise SpecError([_build_root_fault(message)])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = f"the byte 0x{data[error.start]:02x} at offset {error.start}"
        message = f"expected UTF-8, received {byte}: {error.reason}"
        raise SpecError([_build_root_fault(message)]) from None


def _parse_json(text: str, limits: Limits) -> object:
    # Check the depth before decoding, because the decoder recurses.
    if _measure_depth(text) > limits.max_json_depth:
        expected = f"expected objects and arrays at most {limits.max_json_depth} deep (limit max_json_depth)"
        raise SpecError([_build_root_fault(f"{expected}, received deeper ones")])
    try:
        return json.loads(
            text,
            object_pairs_hook=_build_object,
            parse_int=_parse_integer,
            parse_float=_parse_float,
            parse_constant=_parse_constant,
        )
    except json.JSONDecodeError as error:
        message, fix = describe_syntax_error(error)
        raise SpecError([Fault(pointer="", message=message, fix=fix)]) from None


def _measure_depth(text: str) -> int:
    return max(accumulate(map(_DEPTH_CHANGES.__getitem__, _NO_BRACKETS.sub("", text))), default=0)


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    keys: set[str] = set()
    duplicate_keys: dict[str, None] = {}
    for key, _ in pairs:
        if key in keys:
            duplicate_keys[key] = None
        keys.add(key)
    document = _DuplicateKeysObject(members)
    document.duplicate_keys = tuple(duplicate_keys)
    return document


def _parse_integer(text: str) -> int | _InvalidNumber:
    if len(text) <= _MAX_INTEGER_LENGTH and -_INTEGER_BOUND <= (number := int(text)) < _INTEGER_BOUND:
        return number
    return _InvalidNumber(text, "an integer of 64 bits (from -2**63 to 2**63 - 1)")


def _parse_float(text: str) -> float | _InvalidNumber:
    number = float(text)
    return number if math.isfinite(number) else _InvalidNumber(text, "a finite number of double precision")


def _parse_constant(text: str) -> _InvalidNumber:
    return _InvalidNumber(text, "a finite number, as JSON has no others")


def _find_faults(value: object, path: tuple[PathSegment, ...], limits: Limits) -> Iterator[Fault]:
    """Yield the faults of a value and of everything in it. The recursion is bounded: the depth was checked before."""
    if isinstance(value, _InvalidNumber):
        received = shorten_value(value.text)
        message = f"expected {value.expected}, received {received}"
        yield Fault(pointer=format_pointer(path), message=message, received=received)
    elif isinstance(value, str):
        if expected := _find_invalid_character(value):
            yield Fault(
                pointer=format_pointer(path), message=f"expected text {expected}", received=shorten_value(value)
            )
    elif isinstance(value, dict):
        yield from _find_object_faults(cast("dict[str, object]", value), path, limits)
    elif isinstance(value, list):
        yield from _find_array_faults(cast("list[object]", value), path, limits)


def _find_invalid_character(text: str) -> str | None:
    if "\0" in text:
        return "with no NUL character, received one"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "of whole Unicode characters, received half a surrogate pair"
    return None


def _find_object_faults(document: dict[str, object], path: tuple[PathSegment, ...], limits: Limits) -> Iterator[Fault]:
    if fault := _check_element_count(document, path, limits):
        yield fault
        return
    if isinstance(document, _DuplicateKeysObject):
        for key in document.duplicate_keys:
            message = f"expected each key once, received {format_value(key)} more than once"
            yield Fault(pointer=format_pointer((*path, key)), message=message)
    for key, member in document.items():
        if expected := _find_invalid_character(key):
            yield Fault(
                pointer=format_pointer((*path, key)), message=f"expected a key {expected}", received=shorten_value(key)
            )
        yield from _find_faults(member, (*path, key), limits)


def _find_array_faults(array: list[object], path: tuple[PathSegment, ...], limits: Limits) -> Iterator[Fault]:
    if fault := _check_element_count(array, path, limits):
        yield fault
        return
    for index, element in enumerate(array):
        yield from _find_faults(element, (*path, index), limits)


def _check_element_count(
    container: dict[str, object] | list[object], path: tuple[PathSegment, ...], limits: Limits
) -> Fault | None:
    if len(container) <= limits.max_json_elements:
        return None
    expected = f"expected at most {limits.max_json_elements} elements (limit max_json_elements)"
    return Fault(pointer=format_pointer(path), message=f"{expected}, received {len(container)}")
