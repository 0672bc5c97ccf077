"""Description of CSV files, with the types that `pandas.read_csv` infers."""

from collections.abc import Collection, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from service.datasets import time_columns
from service.datasets.csv_options import CsvOptions
from service.datasets.inspection.column_statistics import (
    ColumnStatistics,
    ColumnType,
    build_table_description,
    check_finite,
    measure_texts,
)
from service.datasets.inspection.csv_detection import SAMPLE_BYTES, detect_delimiter
from service.datasets.inspection.csv_file_reader import detect_compression, open_csv
from service.datasets.inspection.csv_records import MAX_BLOCK_RECORDS, CsvBlock, CsvReader
from service.datasets.inspection.file_signatures import check_text_signature
from service.datasets.inspection.invalid_file import InvalidFileError, quote_text
from service.datasets.inspection.missing_rows import MissingRowCounter
from service.datasets.inspection.value_sample import ColumnSample
from service.datasets.inspection.value_summary import limit_statistics
from stackyard.spec.data.csv_format import CsvFormat
from stackyard.spec.data.description import TimeKind

_pandas: Any = pd  # partly untyped

_KINDS: dict[str, ColumnType] = {"Int64": "integer", "Float64": "float", "boolean": "boolean"}
_TIME_EXAMPLES: dict[TimeKind, str] = {
    "date": "2024-05-31 or 2024-05-31T13:45:00Z",
    "time": "13:45:00",
    "duration": "",
}


def describe_csv(
    path: Path,
    _memory: int,
    options: CsvOptions | None = None,
    *,
    max_bytes: int | None = None,
    max_block_records: int = MAX_BLOCK_RECORDS,
    statistics: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a `stackyard.spec` TableDescription of a CSV file as JSON.

    A column's type depends on the whole file. Integers among floats are floats; any other mixture is text. Integers
    with missing values are integers. Integers beyond 64 bits are text: they identify things, and as floats different
    ones would become equal.

    Args:
        path: the file, which may be compressed with gzip.
        options: what the client says about the format; the rest is detected.
        max_bytes: maximum size of the decompressed content.
        max_block_records: maximum number of records that are parsed at once.
        statistics: receives a `service.datasets.dataset_statistics` DatasetStatistics as JSON, if it is not None.

    Raises:
        InvalidFileError: the file is not unambiguous CSV, or has no rows, or has infinite values.

    """
    csv_format = _detect_format(path, options or CsvOptions(), max_bytes)
    text_columns = set(csv_format.dates)
    while True:
        with open_csv(path, csv_format.compression, max_bytes) as file:
            records = CsvReader(file, csv_format, max_block_records=max_block_records)
            columns = _create_columns(records, csv_format, has_samples=statistics is not None)
            rows, missing_rows = _read_columns(records, csv_format, columns, text_columns)
        mixed = {column.name for column in columns if column.has_mixed_types}
        if not mixed:
            description = build_table_description(rows, columns, missing_rows.counts)
            if statistics is not None:
                statistics["columns"] = limit_statistics([column.to_statistics(rows) for column in columns])
            return description | {"csv": csv_format.model_dump(mode="json")}
        text_columns |= mixed


def _detect_format(path: Path, options: CsvOptions, max_bytes: int | None) -> CsvFormat:
    compression = detect_compression(path)
    with open_csv(path, compression, max_bytes) as file:
        sample = file.read(SAMPLE_BYTES)
    if compression is not None:
        check_text_signature(sample)
    return options.build_format(*detect_delimiter(sample, options), compression)


def _create_columns(records: CsvReader, csv_format: CsvFormat, *, has_samples: bool) -> Sequence[ColumnStatistics]:
    names = records.column_names
    _check_dates(csv_format, names)
    return [
        ColumnStatistics(
            name,
            stored_as="date" if name in csv_format.dates else None,
            unnamed=name in records.unnamed,
            sample=ColumnSample(len(names)) if has_samples else None,
        )
        for name in names
    ]


def _read_columns(
    records: CsvReader, csv_format: CsvFormat, columns: Sequence[ColumnStatistics], text_columns: Collection[str]
) -> tuple[int, MissingRowCounter]:
    """Add the rows to the columns; return the number of rows, and how many of them lack values."""
    missing_rows = MissingRowCounter()
    rows = 0
    for block in records.iterate_blocks():
        frame = parse_block(block, csv_format, records.column_names, text_columns)
        for column in columns:
            if column.stored_as is None:
                _add_values(column, frame[column.name], block.lines)
            else:
                _add_times(column, frame[column.name], block.lines)
        _add_missing_words(block, csv_format, columns, frame)
        missing_rows.add_block(frame.isna().to_numpy())
        rows += len(frame)
    return rows, missing_rows


def _check_dates(csv_format: CsvFormat, names: Sequence[str]) -> None:
    for name in csv_format.dates:
        if name not in names:
            raise InvalidFileError(f"The option “dates” names {quote_text(name)}, which is no column of the file.")


def parse_block(block: CsvBlock, csv_format: CsvFormat, names: Sequence[str], text_columns: Collection[str]) -> Any:
    """Return the rows of a block, as a DataFrame of nullable types."""
    location = f"from line {block.lines[0]:,} on"
    try:
        # Nullable types keep integers apart from floats if values are missing.
        frame = _pandas.read_csv(
            BytesIO(block.data),
            dtype=dict.fromkeys(text_columns, "string"),
            dtype_backend="numpy_nullable",
            low_memory=False,
            **csv_format.build_parser_arguments(),
        )
    except ValueError as error:  # also of pandas's parser
        if "out of memory" in str(error):
            raise MemoryError from error
        raise InvalidFileError(f"The rows {location} cannot be read: {error}.") from None
    if list(frame.columns) != list(names) or len(frame) != len(block.lines):
        raise InvalidFileError(f"The rows {location} are ambiguous: CSV readers would not agree where a row ends.")
    return frame


def _add_missing_words(
    block: CsvBlock, csv_format: CsvFormat, columns: Sequence[ColumnStatistics], frame: Any
) -> None:
    """Add the words that are missing values in text columns of few values, which may be classes."""
    names = [column.name for column in columns if column.lists_missing_words and bool(frame[column.name].isna().any())]
    if not names:
        return
    parser_arguments: dict[str, Any] = {"sep": csv_format.delimiter, "dtype": "str", "na_filter": False}
    raw = _pandas.read_csv(BytesIO(block.data), usecols=names, low_memory=False, **parser_arguments)
    for column in columns:
        if column.name in raw:
            column.add_missing_words(raw[column.name][frame[column.name].isna()].unique().tolist())


def _add_times(column: ColumnStatistics, values: Any, lines: Sequence[int]) -> None:
    """Add a block of ISO 8601 dates or times as numbers of days. The first value of the column tells which."""
    present = values.dropna()
    if column.has_no_values and len(present):
        column.stored_as = time_columns.detect_time_kind(present.iloc[0])
    kind: TimeKind = column.stored_as or "date"
    others = np.flatnonzero(time_columns.find_other_text(values, kind).to_numpy())
    if others.size:
        row = int(others[0])
        raise InvalidFileError(
            f"Column {quote_text(column.name)} has {quote_text(str(values.iloc[row]))} in line {lines[row]:,}; "
            f"expected a {kind} as in ISO 8601, such as {_TIME_EXAMPLES[kind]}."
        )
    try:
        days: Any = time_columns.convert_to_days(values.astype("str"), kind)
    except ValueError as error:
        message = f"Column {quote_text(column.name)} has a {kind} that cannot be read: {str(error)[:200]}"
        raise InvalidFileError(message) from None
    numbers = days.to_numpy(dtype=np.float64)
    is_missing = np.isnan(numbers)
    column.add_block("float", int(is_missing.sum()), numbers[~is_missing])


def _add_values(column: ColumnStatistics, values: Any, lines: Sequence[int]) -> None:
    kind = _KINDS.get(str(values.dtype), "text")
    missing = int(values.isna().sum())
    if kind == "text":
        present = np.asarray(values.dropna() if column.is_categorical else values.dropna().head(1), dtype=object)
        # pandas keeps integers beyond 64 bits as text, and missing values among them as empty text.
        column.has_mixed_types = column.has_mixed_types or "" in present or str(values.dtype) == "UInt64"
        column.sample_texts(values.array)
    else:
        present = values.dropna().to_numpy()
    if kind == "float":
        check_finite(values.to_numpy(dtype=np.float64, na_value=np.nan), column.name, lines, "line")
    column.add_block(kind, missing, present, measure_texts(values) if str(values.dtype) == "string" else 0)
