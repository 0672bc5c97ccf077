"""Texts for people: numbers of metrics, and texts without control characters."""

import re
from collections.abc import Mapping

_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters except tab and newline, and characters that reverse the direction of text."""


def strip_control_characters(text: str) -> str:
    """Return a text without control characters; tabs and newlines stay."""
    return _CONTROL_CHARACTERS.sub("", text)


def format_number(value: float | None) -> str:
    """Format a metric's value; None is a value that was not finite."""
    return "not finite" if value is None else f"{value:.4g}"


def format_metrics(values: Mapping[str, float | None]) -> str:
    """Format metrics in one line, each with its name."""
    return "  ".join(f"{name} {format_number(value)}" for name, value in values.items())
