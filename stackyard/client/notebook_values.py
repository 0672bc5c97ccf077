"""Values of notebooks: data frames, and the scalars and arrays of NumPy and pandas. Neither library is imported."""

import io
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, Protocol, cast, runtime_checkable

PARQUET = "application/vnd.apache.parquet"
CSV = "text/csv"


@runtime_checkable
class DataFrame(Protocol):
    """The methods of a pandas data frame that the client calls."""

    def to_dict(self, orient: Any, /) -> Any:
        """Return the rows as dictionaries, for the orientation `records`."""
        ...

    def to_csv(self, path_or_buf: Any = ..., *, index: bool = ...) -> Any:
        """Write CSV."""
        ...

    def to_parquet(self, path: Any = ..., *, index: bool | None = ...) -> Any:
        """Write Parquet."""
        ...


@runtime_checkable
class SupportsToList(Protocol):
    """An array of NumPy, or another value that can become lists."""

    def tolist(self) -> Any:
        """Return nested lists of numbers."""
        ...


def encode_frame(frame: DataFrame, media_type: str | None) -> tuple[bytes, str]:
    """Encode the columns of a data frame, without its index.

    Args:
        frame: the data frame.
        media_type: `application/vnd.apache.parquet` or `text/csv`. None is Parquet, which keeps the types of columns;
            or CSV if no library here writes Parquet.

    Returns:
        The content and its media type.

    Raises:
        ValueError: the media type is another one.

    """
    if media_type not in {None, PARQUET, CSV}:
        raise ValueError(f"A data frame is sent as {PARQUET} or {CSV}, not as {media_type}.")
    if media_type != CSV:
        buffer = io.BytesIO()
        try:
            frame.to_parquet(buffer, index=False)
        except ImportError:
            if media_type == PARQUET:
                raise
        else:
            return buffer.getvalue(), PARQUET
    return str(frame.to_csv(index=False)).encode(), CSV


def encode_rows(rows: object) -> str:
    """Encode rows to predict as JSON. A missing value, such as NaN, becomes null.

    Args:
        rows: a data frame, or an array or a sequence of rows.

    Raises:
        ValueError: a number is infinite.
        TypeError: a value has no JSON form.

    """
    if isinstance(rows, DataFrame):
        rows = rows.to_dict("records")
    try:
        return json.dumps({"rows": rows}, allow_nan=False, default=convert_value)
    except (TypeError, ValueError):  # NaN, or a key that is not a string; copying all rows is slow
        return json.dumps({"rows": _replace_missing(rows)}, allow_nan=False)


def convert_value(value: object) -> object:
    """Return what JSON can hold for a value that it cannot: of NumPy's scalars and arrays, times and missing values.

    Raises:
        TypeError: there is nothing for it.

    """
    if _is_missing(value):
        return None
    if isinstance(value, date | time):  # pandas's timestamps are dates, too
        return value.isoformat()
    if not isinstance(value, SupportsToList):  # scalars of NumPy have the method, too
        raise TypeError(f"A value of type {type(value).__name__} has no form in JSON.")
    return value.tolist()


def _replace_missing(value: object) -> object:
    """Return a copy of a document with null for missing values, and text for keys."""
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return None if math.isnan(value) else value
        case Mapping():
            items = cast("Mapping[object, object]", value).items()
            return {str(key): _replace_missing(item) for key, item in items}
        case Sequence():
            return [_replace_missing(item) for item in cast("Sequence[object]", value)]
        case _:
            return _replace_missing(convert_value(value))


def _is_missing(value: object) -> bool:
    """Return whether a value is pandas's NA or NaT."""
    return type(value).__name__ in {"NAType", "NaTType"}
