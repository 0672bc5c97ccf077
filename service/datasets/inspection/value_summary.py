"""Histograms, frequent values and moments of a column or an array, as JSON of bounded size."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from service.datasets.inspection.value_sample import MAX_TEXT_LENGTH
from stackyard.spec.data.description import MAX_EXACT_FLOAT, TimeKind

_MAX_BINS = 20
_MAX_LISTED_VALUES = 20
_MAX_VALUES_BESIDE_HISTOGRAM = 5
_MAX_BYTES = 1 << 20
"""Maximum size in bytes of the JSON of all statistics of a file."""


def summarize_counts(counts: Mapping[Any, int]) -> dict[str, Any]:
    """Return the statistics of values of which the number of rows is known: integers, booleans or texts."""
    values = [*counts]
    summary: dict[str, Any] = {"distinct": len(counts)}
    if isinstance(values[0], bool | str):
        return summary | {"most_frequent": list_most_frequent(counts, _MAX_LISTED_VALUES)}
    has_histogram = len(counts) > _MAX_LISTED_VALUES
    maximum = _MAX_VALUES_BESIDE_HISTOGRAM if has_histogram else _MAX_LISTED_VALUES
    numbers, weights = np.array(values, np.float64), np.array([counts[value] for value in values], np.int64)
    summary |= {"most_frequent": list_most_frequent(counts, maximum), **_compute_moments(numbers, weights)}
    if has_histogram:
        summary["histogram"] = _build_histogram(numbers, weights, choose_integer_edges(min(values), max(values)))
    return summary


def summarize_numbers(
    values: "np.ndarray[Any, Any]", minimum: float, maximum: float, *, are_integers: bool
) -> dict[str, Any]:
    """Return the statistics of a sample of numbers.

    Args:
        values: the sample, of at least one number.
        minimum: of the whole column, as `maximum`.
        maximum: of the whole column; the histogram reaches from one to the other.
        are_integers: whether all values are integers.

    """
    numbers, weights = values.astype(np.float64), np.ones(len(values), np.int64)
    is_exact = max(abs(minimum), abs(maximum)) < MAX_EXACT_FLOAT
    edges = choose_integer_edges(int(minimum), int(maximum)) if are_integers and is_exact else None
    if edges is None and minimum < maximum and math.isfinite(maximum - minimum):
        edges = np.linspace(minimum, maximum, _MAX_BINS + 1)
    return _compute_moments(numbers, weights) | {"histogram": _build_histogram(numbers, weights, edges)}


def summarize_texts(texts: Sequence[str]) -> dict[str, Any]:
    """Return the most frequent of sampled texts."""
    counts: dict[str, int] = {}
    for text in texts:
        counts[text] = counts.get(text, 0) + 1
    return {"most_frequent": list_most_frequent(counts, _MAX_LISTED_VALUES)}


def list_most_frequent(counts: Mapping[Any, int], maximum: int) -> list[dict[str, Any]]:
    """Return the values with most rows, most first, and in ascending order where the numbers of rows are equal.

    Values of one row each, such as ids, are left out, unless all values can be listed.
    """
    by_count = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    listed = [(value, count) for value, count in by_count[:maximum] if count > 1 or len(counts) <= maximum]
    return [{"value": _cut_text(value), "count": count} for value, count in listed]


def _cut_text(value: Any) -> Any:
    is_long = isinstance(value, str) and len(value) > MAX_TEXT_LENGTH
    return value[: MAX_TEXT_LENGTH - 1] + "…" if is_long else value


def choose_integer_edges(minimum: int, maximum: int) -> "np.ndarray[Any, Any]":
    """Return edges halfway between integers, so that each bin has equally many different integers."""
    width = math.ceil((maximum - minimum + 1) / _MAX_BINS)
    bins = math.ceil((maximum - minimum + 1) / width)
    return minimum - 0.5 + width * np.arange(bins + 1, dtype=np.float64)


def _build_histogram(
    numbers: "np.ndarray[Any, Any]", weights: "np.ndarray[Any, Any]", edges: "np.ndarray[Any, Any] | None"
) -> dict[str, Any] | None:
    """Return a histogram; None if the numbers are all equal, or too close to each other or too far apart for one."""
    if edges is None or (np.diff(edges) <= 0).any():
        return None
    counts, _ = np.histogram(numbers, edges, weights=weights)
    return {"edges": edges.tolist(), "counts": counts.astype(np.int64).tolist()}


def _compute_moments(numbers: "np.ndarray[Any, Any]", weights: "np.ndarray[Any, Any]") -> dict[str, Any]:
    """Return mean, standard deviation and median of weighted numbers; None where float64 is too small for one."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.average(numbers, weights=weights)
        deviation = np.sqrt(np.average((numbers - mean) ** 2, weights=weights))
        moments = {"mean": mean, "standard_deviation": deviation, "median": _compute_median(numbers, weights)}
    return {name: float(value) if np.isfinite(value) else None for name, value in moments.items()}


def _compute_median(numbers: "np.ndarray[Any, Any]", weights: "np.ndarray[Any, Any]") -> float:
    order = np.argsort(numbers)
    last_positions = np.cumsum(weights[order])
    middle = [(last_positions[-1] - 1) // 2, last_positions[-1] // 2]
    low, high = numbers[order][np.searchsorted(last_positions, middle, side="right")]
    return float(low / 2 + high / 2)


def format_days(days: float, kind: TimeKind) -> str | None:
    """Return a date or a time of day as ISO 8601; None for a duration, and for a year that has not four digits."""
    if kind == "duration":
        return None
    try:
        time = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(days=days)
    except OverflowError:
        return None
    if kind == "time":
        return time.time().isoformat()
    return time.date().isoformat() if days == math.floor(days) else time.isoformat()


def limit_statistics(statistics: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return statistics of bounded size in their order, without the longest ones."""
    sizes = [len(json.dumps(item)) for item in statistics]
    kept: set[int] = set()
    total = 0
    for index in sorted(range(len(sizes)), key=sizes.__getitem__):
        total += sizes[index]
        if total > _MAX_BYTES:
            break
        kept.add(index)
    return [item for index, item in enumerate(statistics) if index in kept]
