"""Description of CSV files, with the types that `pandas.read_csv` infers."""

from collections.abc import Collection, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from service.datasets.inspection.column_statistics import (
    ColumnStatistics,
    ColumnType,
    build_table_description,
    check_finite,
    measure_texts,
)
from service.datasets.inspection.csv_records import MAX_BLOCK_RECORDS, CsvBlock, CsvReader
from service.datasets.inspection.invalid_file import InvalidFileError

_KINDS: dict[str, ColumnType] = {"Int64": "integer", "Float64": "float", "boolean": "boolean"}


def describe_csv(path: Path, _memory: int, *, max_block_records: int = MAX_BLOCK_RECORDS) -> dict[str, Any]:
    """Return a `stackyard.spec` TableDescription of a CSV file as JSON.

    A column's type depends on the whole file. Integers among floats are floats; any other mixture is text. Integers
    with missing values are integers. Integers beyond 64 bits are text: they identify things, and as floats different
    ones would become equal.

    Args:
        path: the file.
        max_block_records: maximum number of records that are parsed at once.

    Raises:
        InvalidFileError: the file is not unambiguous CSV, or has no rows, or has infinite values.

    """
    text_columns: set[str] = set()
    while True:
        rows, columns = _read_columns(path, text_columns, max_block_records)
        mixed = {column.name for column in columns if column.has_mixed_types}
        if not mixed:
            return build_table_description(rows, columns)
        text_columns |= mixed


def _read_columns(
    path: Path, text_columns: Collection[str], max_block_records: int
) -> tuple[int, Sequence[ColumnStatistics]]:
    with path.open("rb") as file:
        records = CsvReader(file, max_block_records=max_block_records)
        columns = [ColumnStatistics(name) for name in records.column_names]
        rows = 0
        for block in records.iterate_blocks():
            frame: Any = _parse_block(block, records.column_names, text_columns)
            for column in columns:
                _add_values(column, frame[column.name], block.lines)
            rows += len(frame)
        return rows, columns


def _parse_block(block: CsvBlock, names: Sequence[str], text_columns: Collection[str]) -> pd.DataFrame:
    location = f"from line {block.lines[0]:,} on"
    try:
        # Nullable types keep integers apart from floats if values are missing.
        frame = pd.read_csv(
            BytesIO(block.data),
            dtype=dict.fromkeys(text_columns, "string"),
            dtype_backend="numpy_nullable",
            low_memory=False,
        )
    except ValueError as error:  # also of pandas's parser
        if "out of memory" in str(error):
            raise MemoryError from error
        raise InvalidFileError(f"The rows {location} cannot be read: {error}.") from None
    if list(frame.columns) != list(names) or len(frame) != len(block.lines):
        raise InvalidFileError(f"The rows {location} are ambiguous: CSV readers would not agree where a row ends.")
    return frame


def _add_values(column: ColumnStatistics, values: Any, lines: Sequence[int]) -> None:
    kind = _KINDS.get(str(values.dtype), "text")
    missing = int(values.isna().sum())
    if kind == "text":
        distinct = values.dropna().unique() if column.is_categorical else values.dropna().head(1)
        present = np.asarray(distinct, dtype=object)
        # pandas keeps integers beyond 64 bits as text, and missing values among them as empty text.
        column.has_mixed_types = column.has_mixed_types or "" in present or str(values.dtype) == "UInt64"
    else:
        present = values.dropna().to_numpy()
    if kind == "float":
        check_finite(values.to_numpy(dtype=np.float64, na_value=np.nan), column.name, lines, "line")
    column.add_block(kind, missing, present, measure_texts(values) if str(values.dtype) == "string" else 0)
