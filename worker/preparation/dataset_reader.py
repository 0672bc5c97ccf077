"""Rows, read as their description says they are. Loads pandas: for workers, never for the API."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn import datasets as sklearn_datasets

from service.datasets.dataset_source import CSV, BuiltinSource, FileSource, Source
from stackyard.spec import ColumnDescription, TableDescription

# These have no types of their own, or not those of what they return.
_pandas: Any = pd
_arrow: Any = pa
_parquet: Any = pq
_scikit_learn: Any = sklearn_datasets

_LOADERS = {
    "iris": _scikit_learn.load_iris,
    "digits": _scikit_learn.load_digits,
    "wine": _scikit_learn.load_wine,
    "diabetes": _scikit_learn.load_diabetes,
    "breast_cancer": _scikit_learn.load_breast_cancer,
}


def read(source: Source, description: TableDescription, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of a table, wherever it lies; see `read_table`."""
    if isinstance(source, BuiltinSource):
        frame: Any = read_builtin(source.name)
        return frame if columns is None else frame[list(columns)]
    return read_table(source.path, source.media_type, description, columns)


def read_table(
    path: Path,
    media_type: str,
    description: TableDescription,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The rows of a CSV or Parquet file, in its order, numbers as `pandas.read_csv` reads them.

    Args:
        path: the file.
        media_type: `CSV` or `PARQUET`.
        description: what inspection found in this very file.
        columns: which to read, in the order wanted; all by default.

    Returns:
        A table of int64 (float64 where values are missing), float64, bool (pandas's nullable one where values are
        missing) and str columns.

    """
    wanted = [column.name for column in description.columns] if columns is None else list(columns)
    types = dtypes(description, wanted)
    if media_type == CSV:
        frame = _pandas.read_csv(path, usecols=wanted, dtype=types, low_memory=False)
        return frame[wanted]
    return _parquet_frame(_parquet.read_table(path, columns=wanted)).astype(types)[wanted]


def read_blocks(
    source: FileSource, description: TableDescription, columns: Sequence[str], rows: int
) -> Iterator[pd.DataFrame]:
    """The rows of `read_table`, at most so many at a time; only these and a part of the file are in memory.

    Args:
        source: the file.
        description: what inspection found in it.
        columns: which to read, in the order wanted.
        rows: the most of a block.

    """
    wanted = list(columns)
    types = dtypes(description, wanted)
    if source.media_type == CSV:
        with _pandas.read_csv(source.path, usecols=wanted, dtype=types, low_memory=False, chunksize=rows) as frames:
            for frame in frames:
                yield frame[wanted]
        return
    with _parquet.ParquetFile(source.path, memory_map=True) as file:
        for batch in file.iter_batches(rows, columns=wanted):
            yield _parquet_frame(_arrow.Table.from_batches([batch])).astype(types)[wanted]


def dtypes(description: TableDescription, columns: Sequence[str]) -> dict[str, str]:
    """The pandas type of each of these columns, as `read_table` gives it."""
    described = {column.name: column for column in description.columns}
    return {name: _dtype(described[name]) for name in columns}


def _dtype(column: ColumnDescription) -> str:
    match column.type:
        case "integer":
            return "float64" if column.missing else "int64"
        case "boolean":
            return "boolean" if column.missing else "bool"
        case "text":
            return "str"
        case "float":
            return "float64"


def _parquet_frame(table: Any) -> Any:
    """Without what pandas left in the file about an index, and without categories, which may be repeated there."""
    for place, field in enumerate(table.schema):
        if _arrow.types.is_dictionary(field.type):
            plain = table.column(place).cast(field.type.value_type)
            table = table.set_column(place, field.name, plain)
    return table.to_pandas(ignore_metadata=True)


def read_arrays(path: Path, names: Sequence[str]) -> "Mapping[str, np.ndarray[Any, Any]]":
    """Arrays of an NPZ file, by name, as they are there."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in names}


def read_builtin(name: str) -> pd.DataFrame:
    """A table of scikit-learn's, its inputs' columns and then `target`.

    Args:
        name: without the prefix, `iris`.

    """
    return _LOADERS[name](as_frame=True).frame
