"""The first rows of a table, as values of JSON of bounded size."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from service.datasets.dataset_source import CSV
from service.datasets.inspection.csv_file import parse_block
from service.datasets.inspection.csv_file_reader import open_csv
from service.datasets.inspection.csv_records import CsvReader
from service.datasets.inspection.invalid_file import InvalidFileError
from service.datasets.preview.documents import MAX_ROWS, Cell, PreviewRequest
from stackyard.spec import CsvFormat

_arrow: Any = pa  # these libraries have no type annotations
_parquet: Any = pq
_pandas: Any = pd

_MAX_TEXT_LENGTH = 200
_MAX_BYTES = 1 << 20
"""Maximum size in bytes of the JSON of all rows."""


def read_first_rows(request: PreviewRequest) -> list[list[Cell]]:
    """Return the first rows, of the columns that the request names.

    Raises:
        InvalidFileError: the file cannot be read.

    """
    if request.builtin is not None:
        columns = _read_builtin_columns(request.builtin, request.columns)
    elif request.media_type == CSV:
        columns = _read_csv_columns(Path(request.path or ""), request)
    else:
        columns = _read_parquet_columns(Path(request.path or ""), request.columns)
    return _limit_rows([[_convert_value(value) for value in row] for row in zip(*columns, strict=True)])


def _read_builtin_columns(name: str, columns: Sequence[str]) -> list[list[Any]]:
    from sklearn import datasets  # noqa: PLC0415  # files of clients are read sooner without it

    frame: Any = getattr(cast("Any", datasets), f"load_{name}")(as_frame=True).frame.head(MAX_ROWS)
    return [frame[column].tolist() for column in columns]


def _read_csv_columns(path: Path, request: PreviewRequest) -> list[list[Any]]:
    csv_format = request.csv or CsvFormat()
    with open_csv(path, csv_format.compression) as file:
        records = CsvReader(file, csv_format, max_block_records=MAX_ROWS)
        block = next(records.iterate_blocks())
    frame = parse_block(block, csv_format, records.column_names, request.text_columns)
    return [frame[name].astype(object).tolist() for name in request.columns]


def _read_parquet_columns(path: Path, names: Sequence[str]) -> list[list[Any]]:
    try:
        with _parquet.ParquetFile(path) as file:
            batch = next(file.iter_batches(MAX_ROWS, columns=list(names)))
            return [batch.column(name).to_pylist() for name in names]
    except MemoryError:  # Arrow's error is also an ArrowException
        raise
    except (_arrow.ArrowException, OSError, OverflowError, ValueError) as error:
        raise InvalidFileError(f"The file cannot be read as Parquet: {str(error)[:300]}") from None


def _convert_value(value: Any) -> Cell:
    """Return a value of JSON: numbers and booleans as they are, and any other value as text; None if it is missing."""
    if value is None or value is _pandas.NA or value != value:  # noqa: PLR0124  # NaN differs from itself
        return None
    if isinstance(value, bool | int | float):
        return value
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return text if len(text) <= _MAX_TEXT_LENGTH else text[: _MAX_TEXT_LENGTH - 1] + "…"


def _limit_rows(rows: Sequence[list[Cell]]) -> list[list[Cell]]:
    size = 0
    for index, row in enumerate(rows):
        size += len(json.dumps(row))
        if size > _MAX_BYTES and index > 0:
            return [*rows[:index]]
    return [*rows]
