"""Pydantic's errors as problems: in the document's own places, and in words that say what to do."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from stackyard.spec.base import Part
from stackyard.spec.reading.faults import MOST_PROBLEMS, Problem, say, shorten
from stackyard.spec.reading.json_pointers import Step, pointer
from stackyard.spec.tagged_union import MARK, suggest

Readers = Mapping[int, type[Part]]
"""Which class read the object of this identity."""

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
    "literal_error": "{expected}",
    "string_too_short": "at least {min_length} character(s)",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "letters, digits and underscores, a letter first",
    "too_short": "at least {min_length} element(s)",
    "too_long": "at most {max_length} elements",
}


def explain(error: ValidationError, document: object, readers: Readers) -> list[Problem]:
    """Return a problem for each of Pydantic's errors about `document`."""
    errors = [details for details in error.errors(include_url=False) if not _is_echo(details, document)]
    # What comes after them is only counted, and there may be ten thousand.
    others = [Problem(pointer="", message=details["msg"]) for details in errors[MOST_PROBLEMS:]]
    return [_problem(details, document, readers) for details in errors[:MOST_PROBLEMS]] + others


def _is_echo(details: ErrorDetails, document: object) -> bool:
    """Whether an array seems too short only because Pydantic counts its elements that are right."""
    _, here = _locate(document, details["loc"])
    context = details.get("ctx", {})
    return (
        details["type"] == "too_short"
        and isinstance(here, list)
        and len(cast("list[object]", here)) >= context["min_length"]
    )


def _problem(details: ErrorDetails, document: object, readers: Readers) -> Problem:
    context: dict[str, Any] = details.get("ctx", {})
    steps, here = _locate(document, (*details["loc"], *context.get("at", ())))
    if details["type"] == "extra_forbidden":
        _, parent = _locate(document, details["loc"][:-1])
        message, fix = _unknown(str(steps[-1]), readers.get(id(parent)))
    else:
        found: str | Callable[[], str | None] | None = context.get("fix")
        message, fix = _message(details, context, here), found() if callable(found) else found
    return Problem(pointer=pointer(steps), message=message, received=shorten(here), fix=fix)


def _locate(document: object, location: tuple[Step, ...]) -> tuple[tuple[Step, ...], object]:
    """Follow `location` for as long as the document goes along, and return the way and what is there."""
    way: list[Step] = []
    here = document
    for step in location:
        if isinstance(step, str) and step.startswith(MARK):
            continue
        try:
            here = cast("Any", here)[step] if not isinstance(here, str) else _nothing(here)
        except (KeyError, IndexError, TypeError):
            break
        way.append(step)
    return tuple(way), here


def _nothing(text: str) -> object:
    # A bare string that stands for an object: what is wrong with the object is wrong with the string.
    raise KeyError(text)


def _message(details: ErrorDetails, context: dict[str, Any], here: object) -> str:
    kind = details["type"]
    name = details["loc"][-1] if details["loc"] else ""
    if kind == "refused":
        return context["message"]
    if kind == "missing":
        return f"expected {say(name)}, which has no default; received nothing"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind].format(**context)}, received {_size(here, kind)}"
    return f"{details['msg']}, received {say(here)}"


def _size(here: object, kind: str) -> str:
    if kind in ("too_short", "too_long") and isinstance(here, list):
        return str(len(cast("list[object]", here)))
    if kind in ("string_too_short", "string_too_long") and isinstance(here, str):
        return str(len(here))
    return say(here)


def _unknown(name: str, reader: type[Part] | None) -> tuple[str, str | None]:
    """What to say about a key that nothing reads, and which was probably meant."""
    if reader is None:
        return f"expected no {say(name)} here", None
    known = list(reader.model_fields)
    message = f"expected one of {', '.join(known)} in {reader.__name__}, received {say(name)}"
    return message, suggest(name, known)
