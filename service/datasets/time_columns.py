"""Dates, times and durations as numbers of days. Loads pandas, so the API never imports it."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from stackyard.spec.data.description import TimeKind

_pandas: Any = pd  # partly untyped

_ISO_DATE = r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_ISO_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"


def convert_to_days(values: Any, kind: TimeKind) -> Any:
    """Return a column as days, to the microsecond: a date since 1970-01-01 in UTC, a time since midnight.

    A date without a time zone is in UTC. The exported script has the same expressions.

    Args:
        values: a Series of text, or of the types that pandas reads from Parquet.
        kind: of the values.

    Returns:
        A Series of float64, NaN where a value is missing.

    Raises:
        ValueError: a value is not a date, time or duration, or its year is not one of 1 to 9999.

    """
    if kind == "date":
        dates = _pandas.to_datetime(values, format="ISO8601", utc=True).dt.as_unit("us")
        return (dates - _pandas.Timestamp("1970-01-01", tz="UTC")) / _pandas.Timedelta(days=1)
    plain = values.map(str, na_action="ignore") if values.dtype == object else values
    return _pandas.to_timedelta(plain).dt.as_unit("us") / _pandas.Timedelta(days=1)


def convert_texts(texts: Mapping[int, str], kind: TimeKind) -> dict[int, float]:
    """Return the days of the texts that are dates or times, by their keys."""
    values = _pandas.Series(texts, dtype="str")
    values = values[~find_other_text(values, kind)]
    try:
        return convert_to_days(values, kind).to_dict() if len(values) else {}
    except ValueError:  # a date such as 2024-02-30; then convert one by one
        if len(values) == 1:
            return {}
        singles = (convert_texts({key: text}, kind) for key, text in values.to_dict().items())
        return {key: days for single in singles for key, days in single.items()}


def detect_time_kind(text: str) -> TimeKind:
    """Return whether a text is a time of day or, as any other text, a date."""
    return "time" if re.fullmatch(_ISO_TIME, text) else "date"


def find_other_text(values: Any, kind: TimeKind) -> Any:
    """Return which texts of a Series are not of the kind: an ISO 8601 date, or a time such as `13:45:00`.

    `convert_to_days` also reads words such as `now`, which are no dates.
    """
    pattern = _ISO_DATE if kind == "date" else _ISO_TIME
    return values.notna() & ~values.astype("str").str.fullmatch(pattern).fillna(value=False).astype(bool)
