"""Description of Parquet files with flat columns of numbers, booleans and text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from service.datasets.inspection.column_statistics import (
    ColumnStatistics,
    ColumnType,
    build_table_description,
    check_finite,
    measure_texts,
)
from service.datasets.inspection.invalid_file import InvalidFileError, check_names, quote_text

_arrow: Any = pa  # pyarrow has no type annotations
_parquet: Any = pq

_READ_ERRORS: tuple[type[Exception], ...] = (_arrow.ArrowException, OSError, OverflowError)
_MAX_INTEGER = 2**63 - 1
_BATCH_CELLS = 1 << 20
_CELL_BYTES = 8
_UNNAMED_INDEX = "__index_level_"
"""Prefix that pandas gives an index without a name; it reads such a column back as an index."""


def describe_parquet(path: Path, memory: int) -> dict[str, Any]:
    """Return a `stackyard.spec` TableDescription of a Parquet file as JSON.

    Args:
        path: the file.
        memory: maximum size in bytes of the table in memory.

    Raises:
        InvalidFileError: the file is not Parquet, or has columns of other types, no rows, or infinite values.

    """
    try:
        with _parquet.ParquetFile(path) as file:
            return _describe_open_file(file, memory)
    except MemoryError:  # Arrow's error is also an ArrowException
        raise
    except _READ_ERRORS as error:
        raise InvalidFileError(f"The file cannot be read as Parquet: {str(error)[:300]}") from None


def _describe_open_file(file: Any, memory: int) -> dict[str, Any]:
    schema = file.schema_arrow
    names = list_column_names(schema)
    check_names(names, "column")
    kinds: list[ColumnType] = [_get_kind(schema.field(name)) for name in names]
    rows: int = file.metadata.num_rows
    # A few bytes can encode any number of equal rows.
    if rows * max(1, len(names)) * _CELL_BYTES > memory:
        raise InvalidFileError(f"The table has {rows:,} rows; in memory it would take more than {memory:,} bytes.")
    columns = [ColumnStatistics(name) for name in names]
    rows_read = 0
    for batch in file.iter_batches(max(1, _BATCH_CELLS // max(1, len(names))), columns=list(names)):
        row_numbers = range(rows_read + 1, rows_read + batch.num_rows + 1)
        for column, kind in zip(columns, kinds, strict=True):
            _add_values(column, kind, batch.column(column.name), row_numbers)
        rows_read += batch.num_rows
    if rows_read != rows:
        raise InvalidFileError(f"The file declares {rows:,} rows, but has {rows_read:,}.")
    return build_table_description(rows, columns)


def list_column_names(schema: Any) -> Sequence[str]:
    """Return the names of a table's columns, without pandas's unnamed index.

    Raises:
        InvalidFileError: there is no column.

    """
    names = [name for name in schema.names if not name.startswith(_UNNAMED_INDEX)]
    if not names:
        raise InvalidFileError("The file has no columns.")
    return names


def _get_kind(field: Any) -> ColumnType:
    kind = field.type
    if _arrow.types.is_dictionary(kind):
        kind = kind.value_type
    if _arrow.types.is_integer(kind):
        return "integer"
    if _arrow.types.is_floating(kind):
        return "float"
    if _arrow.types.is_boolean(kind):
        return "boolean"
    if _arrow.types.is_string(kind) or _arrow.types.is_large_string(kind):
        return "text"
    raise InvalidFileError(
        f"Column {quote_text(field.name)} is of type {str(field.type)[:100]}; "
        "only integers, floats, booleans and strings can be read.",
    )


def _add_values(column: ColumnStatistics, kind: ColumnType, values: Any, row_numbers: range) -> None:
    if _arrow.types.is_dictionary(values.type):
        values = values.dictionary_decode()
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
