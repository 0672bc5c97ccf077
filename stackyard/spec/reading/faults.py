"""Faults of a spec, described so that a person or a program can correct them."""

from collections.abc import Iterable
from typing import Annotated, Literal
from unicodedata import category

from pydantic import BaseModel, ConfigDict, Field

_JSON_TYPES: dict[type, str] = {
    dict: "an object",
    list: "an array",
    tuple: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    type(None): "null",
}

MAX_TEXT_LENGTH = 120
"""Longest string that a fault repeats; longer ones end with an ellipsis."""

MAX_FAULTS = 100
"""Maximum number of faults in one error; a count replaces the others."""

_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""The Unicode categories of control and format characters, and of separators of lines and paragraphs."""

ReceivedValue = str | int | float | bool | None


def _is_none(value: object) -> bool:
    return value is None


class PatchOperation(BaseModel):
    """One operation of a JSON Patch (RFC 6902). It has a `value`, or, if it moves a member, `from`."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, serialize_by_alias=True)

    op: Literal["add", "replace", "move"]
    path: str
    value: Annotated[ReceivedValue, Field(exclude_if=_is_none)] = None
    source: Annotated[str | None, Field(alias="from", exclude_if=_is_none)] = None


class Fault(BaseModel):
    """One fault of a document.

    Attributes:
        pointer: JSON pointer (RFC 6901) to a value that exists in the document. For a missing member it leads to the
            object that lacks it, for text that is not JSON to the root.
        message: What was expected and what was received.
        received: The value at the pointer, if it is short.
        fix: What was probably meant, or how to correct it.
        patch: The fix as a JSON Patch, where a program can apply it.

    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    pointer: str
    message: str
    received: ReceivedValue = None
    fix: str | None = None
    patch: Annotated[tuple[PatchOperation, ...] | None, Field(exclude_if=_is_none)] = None

    @property
    def message_with_fix(self) -> str:
        """The message, followed by the fix if there is one."""
        return self.message if self.fix is None else f"{self.message}: {self.fix}"


class SpecError(Exception):
    """An invalid spec, with all of its faults."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = _limit_faults(tuple(faults))
        super().__init__("\n".join(f"{fault.pointer or '(root)'}: {fault.message_with_fix}" for fault in self.faults))


def _limit_faults(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    if len(faults) <= MAX_FAULTS:
        return faults
    others = len(faults) - MAX_FAULTS
    return (*faults[:MAX_FAULTS], Fault(pointer="", message=f"and {others} more errors"))


def shorten_value(value: object) -> ReceivedValue:
    """Return the part of `value` that a fault may repeat: a short scalar, or None for an object or an array."""
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
        return text if len(text) <= MAX_TEXT_LENGTH else text[:MAX_TEXT_LENGTH] + "…"
    if isinstance(value, bool | int | float):
        return value
    return None


def format_value(value: object) -> str:
    """Return a received value as a message shows it: a short scalar as JSON, any other value by its JSON type."""
    if isinstance(value, str):
        return f'"{_escape_control_characters(str(shorten_value(value)))}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return _JSON_TYPES.get(type(value), "something else")


def _escape_control_characters(text: str) -> str:
    """Escape control characters, because messages are printed in terminals."""
    return "".join(
        ascii(character)[1:-1] if category(character) in _INVISIBLE_CATEGORIES else character for character in text
    )
