"""Description of Parquet files: flat columns of numbers, booleans, text, dates and times."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from service.datasets import time_columns
from service.datasets.inspection.column_statistics import (
    ColumnStatistics,
    ColumnType,
    build_table_description,
    check_finite,
    measure_texts,
)
from service.datasets.inspection.invalid_file import InvalidFileError, check_names, quote_text
from service.datasets.inspection.missing_rows import MissingRowCounter
from service.datasets.inspection.value_sample import ColumnSample
from service.datasets.inspection.value_summary import limit_statistics
from stackyard.spec.data.description import TimeKind

_arrow: Any = pa  # pyarrow has no type annotations
_parquet: Any = pq

# A UnicodeDecodeError comes from names and texts that are not UTF-8.
_READ_ERRORS: tuple[type[Exception], ...] = (_arrow.ArrowException, OSError, OverflowError, UnicodeDecodeError)
_MAX_INTEGER = 2**63 - 1
_BATCH_CELLS = 1 << 20
_CELL_BYTES = 8
_UNNAMED_INDEX = "__index_level_"
"""Prefix that pandas gives an index without a name; it reads such a column back as an index."""


def describe_parquet(path: Path, memory: int, statistics: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a `stackyard.spec` TableDescription of a Parquet file as JSON.

    Args:
        path: the file.
        memory: maximum size in bytes of the table in memory.
        statistics: receives a `service.datasets.dataset_statistics` DatasetStatistics as JSON, if it is not None.

    Raises:
        InvalidFileError: the file is not Parquet, or has no column that can be read, no rows, or infinite values.

    """
    try:
        with _parquet.ParquetFile(path) as file:
            return _describe_open_file(file, memory, statistics)
    except MemoryError:  # Arrow's error is also an ArrowException
        raise
    except _READ_ERRORS as error:
        raise InvalidFileError(f"The file cannot be read as Parquet: {str(error)[:300]}") from None


def _describe_open_file(file: Any, memory: int, statistics: dict[str, Any] | None) -> dict[str, Any]:
    schema = file.schema_arrow
    names = list_column_names(schema)
    check_names(names, "column")
    columns = {
        name: _ParquetColumn(schema.field(name), None if statistics is None else ColumnSample(len(names)))
        for name in names
    }
    readable = [column for column in columns.values() if column.reason is None]
    if not readable:
        first = columns[names[0]]
        raise InvalidFileError(f"No column of the file can be read: {quote_text(names[0])} {first.reason}.")
    rows: int = file.metadata.num_rows
    # A few bytes can encode any number of equal rows.
    if rows * len(readable) * _CELL_BYTES > memory:
        raise InvalidFileError(f"The table has {rows:,} rows; in memory it would take more than {memory:,} bytes.")
    missing_rows = _read_columns(file, list(columns.values()), rows)
    description = build_table_description(rows, [column.statistics for column in readable], missing_rows.counts)
    if statistics is not None:
        readable = [column for column in readable if column.reason is None]
        statistics["columns"] = limit_statistics([column.statistics.to_statistics(rows) for column in readable])
    described = {item["name"]: item for item in description["columns"]}
    return description | {"columns": [columns[name].add_reason(described.get(name)) for name in names]}


def _read_columns(file: Any, columns: Sequence["_ParquetColumn"], rows: int) -> MissingRowCounter:
    """Add the values of the columns that can be read to their statistics, and count the rows that lack values."""
    names = [column.name for column in columns if column.reason is None]
    missing_rows = MissingRowCounter()
    rows_read = 0
    for batch in file.iter_batches(max(1, _BATCH_CELLS // len(names)), columns=names):
        row_numbers = range(rows_read + 1, rows_read + batch.num_rows + 1)
        missing = np.zeros((batch.num_rows, len(columns)), np.bool_)
        for index, column in enumerate(columns):
            if column.reason is None:
                missing[:, index] = column.add_values(batch.column(column.name), row_numbers)
        missing_rows.add_block(missing)
        rows_read += batch.num_rows
    if rows_read != rows:
        raise InvalidFileError(f"The file declares {rows:,} rows, but has {rows_read:,}.")
    return missing_rows


class _ParquetColumn:
    """A column of the file; `reason` says why it cannot be read, as the end of a sentence about it, or is None."""

    def __init__(self, field: Any, sample: ColumnSample | None) -> None:
        self.name: str = field.name
        value_type = field.type.value_type if _arrow.types.is_dictionary(field.type) else field.type
        self._kind: ColumnType | None = _get_kind(value_type)
        self._stored_as: TimeKind | None = _get_time_kind(value_type) if value_type is field.type else None
        self.statistics = ColumnStatistics(field.name, stored_as=self._stored_as, sample=sample)
        self.reason: str | None = None
        if self._kind is None and self._stored_as is None:
            self.reason = f"has values of type {str(field.type)[:100]}, which cannot become numbers or text"

    def add_values(self, values: Any, row_numbers: range) -> "np.ndarray[Any, Any]":
        """Add the next values to the statistics; return which are missing, as bool of shape (rows,)."""
        if self._stored_as is not None:
            return self._add_times(values, self._stored_as)
        if _arrow.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if self._kind is not None:
            _add_values(self.statistics, self._kind, values, row_numbers)
        return values.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)

    def add_reason(self, description: dict[str, Any] | None) -> dict[str, Any]:
        """Return the description of the column, given that of its statistics; an unread column has a reason."""
        if self.reason is None and description is not None:
            return description
        return {"name": self.name, "type": "unsupported", "missing": 0, "reason": self.reason}

    def _add_times(self, values: Any, stored_as: TimeKind) -> "np.ndarray[Any, Any]":
        try:
            days: Any = time_columns.convert_to_days(values.to_pandas(), stored_as)
        except (_arrow.ArrowException, ValueError, OverflowError):
            self.reason = f"has a {stored_as} that is out of range, or more precise than a microsecond"
            return np.zeros(len(values), np.bool_)
        numbers = days.to_numpy(dtype=np.float64)
        is_missing = np.isnan(numbers)
        self.statistics.add_block("float", int(is_missing.sum()), numbers[~is_missing])
        return is_missing


def list_column_names(schema: Any) -> Sequence[str]:
    """Return the names of a table's columns, without pandas's unnamed index.

    Raises:
        InvalidFileError: there is no column.

    """
    names = [name for name in schema.names if not name.startswith(_UNNAMED_INDEX)]
    if not names:
        raise InvalidFileError("The file has no columns.")
    return names


def _get_kind(value_type: Any) -> ColumnType | None:
    if _arrow.types.is_integer(value_type):
        return "integer"
    if _arrow.types.is_floating(value_type):
        return "float"
    if _arrow.types.is_boolean(value_type):
        return "boolean"
    if _arrow.types.is_string(value_type) or _arrow.types.is_large_string(value_type):
        return "text"
    return None


def _get_time_kind(value_type: Any) -> TimeKind | None:
    if _arrow.types.is_date(value_type) or _arrow.types.is_timestamp(value_type):
        return "date"
    if _arrow.types.is_time(value_type):
        return "time"
    return "duration" if _arrow.types.is_duration(value_type) else None


def _add_values(column: ColumnStatistics, kind: ColumnType, values: Any, row_numbers: range) -> None:
    values.validate(full=True)
    if kind == "text":
        _add_texts(column, values)
        return
    if kind == "float":
        numbers = np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
        check_finite(numbers, column.name, row_numbers, "row")
        column.add_block(kind, int(np.isnan(numbers).sum()), numbers[~np.isnan(numbers)])
        return
    present = values.drop_null().to_numpy(zero_copy_only=False)
    _check_representable(column.name, kind, present)
    column.add_block(kind, values.null_count, present)


def _add_texts(column: ColumnStatistics, values: Any) -> None:
    column.sample_texts(values)
    texts: Any = np.empty(0, dtype=object)
    if column.is_categorical:
        texts = values.drop_null().to_numpy(zero_copy_only=False)
        _check_representable(column.name, "text", texts)
    column.add_block("text", values.null_count, texts, measure_texts(values))


def _check_representable(name: str, kind: ColumnType, present: "np.ndarray[Any, Any]") -> None:
    """Reject values that the rest of the service cannot represent.

    Raises:
        InvalidFileError: an integer needs more than 63 bits, or text has a NUL, which databases cannot store.

    """
    if present.dtype == np.uint64 and len(present) and int(present.max()) > _MAX_INTEGER:
        raise InvalidFileError(
            f"Column {quote_text(name)} has an integer beyond {_MAX_INTEGER:,}; store it as a float or as text."
        )
    if kind == "text" and any("\0" in value for value in present):
        raise InvalidFileError(f"Column {quote_text(name)} has text with a NUL character.")
