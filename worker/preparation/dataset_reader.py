"""Read a dataset's rows as its description specifies. Loads pandas, so only workers import it, never the API."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn import datasets as sklearn_datasets

from service.datasets import time_columns
from service.datasets.dataset_source import CSV, BuiltinSource, DatasetSource, FileSource
from stackyard.spec import ColumnDescription, CsvFormat, TableDescription

# These libraries are untyped, or their return types are.
_pandas: Any = pd
_arrow: Any = pa
_parquet: Any = pq
_scikit_learn: Any = sklearn_datasets

_NULLABLE_INTEGERS = {_arrow.int64(): pd.Int64Dtype(), _arrow.uint64(): pd.UInt64Dtype()}
"""The pandas types of Arrow's integers that may be too large for float64."""

_LOADERS = {
    "iris": _scikit_learn.load_iris,
    "digits": _scikit_learn.load_digits,
    "wine": _scikit_learn.load_wine,
    "diabetes": _scikit_learn.load_diabetes,
    "breast_cancer": _scikit_learn.load_breast_cancer,
}


def read_source(
    source: DatasetSource, description: TableDescription, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a table's rows from a file or a built-in dataset; see `read_table_file`."""
    if isinstance(source, BuiltinSource):
        frame: Any = read_builtin(source.name)
        return frame if columns is None else frame[list(columns)]
    return read_table_file(source.path, source.media_type, description, columns)


def read_table_file(
    path: Path,
    media_type: str,
    description: TableDescription,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Read the rows of a CSV or Parquet file in file order. Numbers are parsed as by `pandas.read_csv`.

    Args:
        path: the file.
        media_type: `CSV` or `PARQUET`.
        description: the result of inspecting this file.
        columns: names of the columns to read, in the order of the result; all by default.

    Returns:
        A DataFrame with int64, float64, bool and str columns. Dates and times are float64, in days. If values are
        missing, integers are float64, or pandas's nullable Int64 if they are too large for float64, and booleans use
        pandas's nullable type.

    """
    readable = [column.name for column in description.columns if column.type != "unsupported"]
    names = readable if columns is None else list(columns)
    types = get_dtypes(description, names)
    if media_type == CSV:
        frame = _pandas.read_csv(path, **_build_csv_arguments(description, names))
        return _convert_times(frame, description)[names]
    return _convert_parquet_table(_parquet.read_table(path, columns=names), description, types)[names]


def read_blocks(
    source: FileSource, description: TableDescription, columns: Sequence[str], max_rows: int
) -> Iterator[pd.DataFrame]:
    """Read the same rows as `read_table_file` in blocks. Only one block and a part of the file are in memory.

    Args:
        source: the file.
        description: the result of inspecting this file.
        columns: names of the columns to read, in the order of the result.
        max_rows: maximum number of rows in a block.

    """
    names = list(columns)
    types = get_dtypes(description, names)
    if source.media_type == CSV:
        arguments = _build_csv_arguments(description, names)
        with _pandas.read_csv(source.path, **arguments, chunksize=max_rows) as frames:
            for frame in frames:
                yield _convert_times(frame, description)[names]
        return
    with _parquet.ParquetFile(source.path, memory_map=True) as file:
        for batch in file.iter_batches(max_rows, columns=names):
            yield _convert_parquet_table(_arrow.Table.from_batches([batch]), description, types)[names]


def _build_csv_arguments(description: TableDescription, names: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of `pandas.read_csv` for these columns. Dates are read as text."""
    types = get_dtypes(description, names)
    dates = {column.name: "str" for column in description.columns if column.stored_as and column.name in types}
    csv_format = description.csv or CsvFormat()
    file_arguments = csv_format.build_file_arguments([column.name for column in description.columns])
    return {"usecols": names, "dtype": types | dates, "low_memory": False} | file_arguments


def _convert_times(frame: Any, description: TableDescription) -> Any:
    """Convert dates, times and durations to numbers of days."""
    for column in description.columns:
        if column.stored_as is not None and column.name in frame:
            frame[column.name] = time_columns.convert_to_days(frame[column.name], column.stored_as)
    return frame


def get_dtypes(description: TableDescription, columns: Sequence[str]) -> dict[str, str]:
    """Return the pandas dtype of each of these columns, as `read_table_file` returns it."""
    descriptions = {column.name: column for column in description.columns}
    return {name: _get_dtype(descriptions[name]) for name in columns}


def _get_dtype(column: ColumnDescription) -> str:
    match column.type:
        case "integer":
            if not column.missing:
                return "int64"
            return "Int64" if column.has_large_integers else "float64"
        case "boolean":
            return "boolean" if column.missing else "bool"
        case "text":
            return "str"
        case "float":
            return "float64"
        case "unsupported":
            raise ValueError(f"the column {column.name!r} is never read")


def _convert_parquet_table(table: Any, description: TableDescription, types: Mapping[str, str]) -> Any:
    """Convert a table to a DataFrame without pandas's index metadata and without categories, which may repeat."""
    for index, field in enumerate(table.schema):
        if _arrow.types.is_dictionary(field.type):
            plain = table.column(index).cast(field.type.value_type)
            table = table.set_column(index, field.name, plain)
    # By default pyarrow converts integers to float64 where values are missing.
    nullable_types = _NULLABLE_INTEGERS.get if "Int64" in types.values() else None
    frame = table.to_pandas(ignore_metadata=True, types_mapper=nullable_types)
    return _convert_times(frame, description).astype(types)


def read_arrays(path: Path, names: Sequence[str]) -> "Mapping[str, np.ndarray[Any, Any]]":
    """Read arrays of an NPZ file, by name and unchanged."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in names}


def read_builtin(name: str) -> pd.DataFrame:
    """Return one of scikit-learn's tables: the input columns, then `target`.

    Args:
        name: without the prefix, such as `iris`.

    """
    return _LOADERS[name](as_frame=True).frame
