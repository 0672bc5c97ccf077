"""What a Parquet file holds: flat columns of numbers, booleans and text."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from service.datasets.inspection.column_findings import ColumnFindings, Kind, check_finite, describe_table
from service.datasets.inspection.invalid_file import Refused, check_names, quote

_arrow: Any = pa  # it has no types of its own
_parquet: Any = pq

_UNREADABLE: tuple[type[Exception], ...] = (_arrow.ArrowException, OSError, OverflowError)
_LARGEST = 2**63 - 1
_BATCH_CELLS = 1 << 20
_CELL_BYTES = 8
_UNNAMED_INDEX = "__index_level_"
"""How pandas calls an index without a name, which it reads back as an index and not as a column."""


def describe(path: Path, memory: int) -> dict[str, Any]:
    """A `stackyard.spec` TableDescription, as JSON; the table may take up no more than `memory` bytes.

    Raises:
        Refused: the file is not Parquet, or has columns of other types, no rows, or infinite values.

    """
    try:
        with _parquet.ParquetFile(path) as file:
            return _describe(file, memory)
    except MemoryError:  # of Arrow's too
        raise
    except _UNREADABLE as error:
        raise Refused(f"The file cannot be read as Parquet: {str(error)[:300]}") from None


def _describe(file: Any, memory: int) -> dict[str, Any]:
    schema = file.schema_arrow
    names = column_names(schema)
    check_names(names, "column")
    kinds: list[Kind] = [_kind(schema.field(name)) for name in names]
    rows: int = file.metadata.num_rows
    # A few bytes can stand for any number of equal rows.
    if rows * max(1, len(names)) * _CELL_BYTES > memory:
        raise Refused(f"The table has {rows:,} rows; in memory it would take more than {memory:,} bytes.")
    columns = [ColumnFindings(name) for name in names]
    seen = 0
    for batch in file.iter_batches(max(1, _BATCH_CELLS // max(1, len(names))), columns=list(names)):
        for column, kind in zip(columns, kinds, strict=True):
            _see(column, kind, batch.column(column.name), range(seen + 1, seen + batch.num_rows + 1))
        seen += batch.num_rows
    if seen != rows:
        raise Refused(f"The file says that it has {rows:,} rows, but {seen:,} were found.")
    return describe_table(rows, columns)


def column_names(schema: Any) -> Sequence[str]:
    """The names of a table's columns, an index of pandas's that has no name left aside.

    Raises:
        Refused: there is no column.

    """
    names = [name for name in schema.names if not name.startswith(_UNNAMED_INDEX)]
    if not names:
        raise Refused("The file has no columns.")
    return names


def _kind(field: Any) -> Kind:
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
    raise Refused(
        f"Column {quote(field.name)} is of type {str(field.type)[:100]}; "
        "only integers, floats, booleans and strings can be read.",
    )


def _see(column: ColumnFindings, kind: Kind, values: Any, rows: range) -> None:
    if _arrow.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    values.validate(full=True)
    if kind == "text" and not column.listing:
        column.see(kind, values.null_count, np.empty(0, dtype=object))
        return
    if kind == "float":
        numbers = np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
        check_finite(numbers, column.name, rows, "row")
        column.see(kind, int(np.isnan(numbers).sum()), numbers[~np.isnan(numbers)])
        return
    present = values.drop_null().to_numpy(zero_copy_only=False)
    _check_sayable(column.name, kind, present)
    column.see(kind, values.null_count, present)


def _check_sayable(name: str, kind: Kind, present: "np.ndarray[Any, Any]") -> None:
    """Refuse what the rest of the service has no word for.

    Raises:
        Refused: an integer needs more than 63 bits, or text has a NUL, which no database can store.

    """
    if present.dtype == np.uint64 and len(present) and int(present.max()) > _LARGEST:
        raise Refused(f"Column {quote(name)} has an integer beyond {_LARGEST:,}; store it as a float or as text.")
    if kind == "text" and any("\0" in value for value in present):
        raise Refused(f"Column {quote(name)} has text with a NUL character.")
