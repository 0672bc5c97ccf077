"""JSON representations of floats, which may be NaN or infinite."""

import math
from collections.abc import Iterable
from typing import TypeVar

Key = TypeVar("Key", int, str)


def to_json_float(number: float) -> float | None:
    """Return the number as JSON can represent it: None if it is NaN or infinite."""
    return number if math.isfinite(number) else None


def format_nonfinite(number: float) -> str:
    """Return the name of a number that is not finite: `NaN`, `Infinity` or `-Infinity`."""
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def collect_nonfinite(numbers: Iterable[tuple[Key, float]]) -> dict[Key, str]:
    """Return the names of those numbers that JSON cannot represent, by their keys."""
    return {key: format_nonfinite(number) for key, number in numbers if not math.isfinite(number)}
