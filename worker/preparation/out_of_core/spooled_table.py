"""A table's rows in a temporary file in column order, with random access."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from service.datasets.dataset_source import CSV, FileSource
from stackyard.spec import ColumnDescription, TableData, TableDescription
from stackyard.spec.data.description import MAX_CATEGORIES
from stackyard.spec.data.used_columns import list_used_columns
from worker.preparation import dataset_reader
from worker.preparation.arrays import Array, PreparationError
from worker.preparation.mapped_rows import release_pages
from worker.preparation.out_of_core.disk_writer import translate_write_errors
from worker.preparation.prepare import build_no_rows_error, list_required_columns

_CELL_BYTES = 8
"""Integers, booleans and indices of texts are stored as int64, other numbers as float64."""
_CELLS_PER_BLOCK = 1 << 20
"""Cells of the source file that are read at a time; a cell of text takes somewhat more than eight bytes."""
_TEXT_BYTES_PER_BLOCK = 32 << 20
"""Bytes of texts of the source file that are read at a time."""
_PARQUET_COLUMN_BYTES = 4 << 20
"""Memory that a column of a Parquet file takes while it is read: its pages, compressed and decompressed."""
_NUMBERS_PER_FITTED_CELL = 8
"""Maximum working memory of scikit-learn for each number that it fits on, in cells."""
_MISSING_BOOLEAN = 2
"""Stored for a missing boolean; 0 and 1 are the others."""
_INTEGER_LIMIT = 2**63
_TEXT_OVERHEAD_BYTES = 100
"""Approximate memory of a text in a dictionary, in addition to its characters."""

_pandas: Any = pd  # partly untyped


class SpooledTable:
    """The used columns of a table, without dropped rows; positions count the remaining rows.

    Args:
        data: of the spec.
        description: of the dataset.
        source: where the rows are.
        path: of the temporary file, which is created.
        share: bytes of memory that columns may take at a time.
        check: called between blocks; exceptions that it raises are passed on.
        names: the columns to read; all that the spec uses by default.

    Raises:
        PreparationError: no row remains, or there are too many distinct texts.
        StorageError: the disk has no room for the file.

    """

    def __init__(
        self,
        data: TableData,
        description: TableDescription,
        source: FileSource,
        path: Path,
        share: int,
        check: Callable[[], None],
        names: Sequence[str] | None = None,
    ) -> None:
        self._description = description
        self._source = source
        self._share = share
        self._check = check
        self._names = list_used_columns(data, description) if names is None else list(names)
        self._column_indices = {name: index for index, name in enumerate(self._names)}
        required = list_required_columns(data, description)
        self._types = dataset_reader.get_dtypes(description, self._names)
        self._types |= {name: "int64" for name in required if self._types.get(name) == "Int64"}
        self._missing_integers = {
            column.name: _choose_missing_integer(column)
            for column in description.columns
            if self._types.get(column.name) == "Int64"
        }
        self._texts = {name: _TextIndex(name, share) for name in self._names if self._types[name] == "str"}
        self.row_count = self._write_columns(required, path)
        if self.row_count == 0:
            raise build_no_rows_error()
        self.cells: Array = np.memmap(path, np.int64, "r", shape=(len(self._names), description.rows))

    def read_column(self, name: str) -> Any:
        """Return a column with all rows, as a Series; rows with equal texts share one object."""
        return _pandas.Series(self._decode_cells(name, self.cells[self._column_indices[name], : self.row_count]))

    def read_frame(self, names: Sequence[str], positions: Array) -> Any:
        """Return these columns of the rows at these positions, as a DataFrame.

        Its types are those of `dataset_reader`, except that texts are objects, which rows with equal texts share.
        """
        return pd.DataFrame(
            {name: self._decode_cells(name, self.cells[self._column_indices[name]][positions]) for name in names}
        )

    def iterate_frames(self, names: Sequence[str], positions: Array) -> Iterator[Any]:
        """Yield the same data as DataFrames of as many columns as fit into the memory share."""
        max_columns = max(1, self._share // (_CELL_BYTES * _NUMBERS_PER_FITTED_CELL * len(positions)))
        for first in range(0, len(names), max_columns):
            self._check()
            yield self.read_frame(names[first : first + max_columns], positions)
            release_pages([self.cells])

    def _decode_cells(self, name: str, cells: Array) -> Any:
        match self._types[name]:
            case "str":
                # As pandas's own texts, equal texts would take memory for each row.
                return _pandas.Series(self._texts[name].get_texts()[cells], dtype=object)
            case "bool":
                return cells.astype(np.bool_)
            case "boolean":
                return pd.arrays.BooleanArray(cells == 1, cells == _MISSING_BOOLEAN)
            case "Int64":
                return pd.arrays.IntegerArray(np.array(cells), cells == self._missing_integers[name])
            case "float64":
                return cells.view(np.float64)
            case _:
                return np.asarray(cells)

    def _write_columns(self, required: Sequence[str], path: Path) -> int:
        """Write the file, and return the number of remaining rows.

        Args:
            required: columns in which a missing value drops the row.
            path: of the file.

        """
        groups = self._group_columns(self._names)
        complete = self._find_complete_rows(required) if required and len(groups) > 1 else None
        count = 0
        with translate_write_errors():
            file = path.open("xb")
        with file:
            for names in groups:
                count = rows_read = 0
                for frame in self._read_blocks(names if complete is not None else [*names, *required]):
                    if complete is None:
                        rows = frame.dropna(subset=[*required])
                    else:
                        rows = frame[complete[rows_read : rows_read + len(frame)]]
                    for name in names:
                        cell_index = self._column_indices[name] * self._description.rows + count
                        _write_cells(file.fileno(), self._encode_values(name, rows[name]), cell_index)
                    count += len(rows)
                    rows_read += len(frame)
            with translate_write_errors():
                file.truncate(_CELL_BYTES * len(self._names) * self._description.rows)
        return count

    def _find_complete_rows(self, required: Sequence[str]) -> Array:
        """Return which rows have a value in all these columns; bool of shape (rows,)."""
        complete = np.ones(self._description.rows, np.bool_)
        for names in self._group_columns(required):
            rows_read = 0
            for frame in self._read_blocks(names):
                complete[rows_read : rows_read + len(frame)] &= frame.notna().all(axis=1).to_numpy()
                rows_read += len(frame)
        return complete

    def _group_columns(self, names: Sequence[str]) -> list[Sequence[str]]:
        """Group columns that are read together: all of a CSV file; of a Parquet file as many as fit into the share."""
        is_csv = self._source.media_type == CSV
        max_columns = len(names) if is_csv else max(1, self._share // _PARQUET_COLUMN_BYTES)
        return [names[first : first + max_columns] for first in range(0, len(names), max_columns)]

    def _read_blocks(self, names: Sequence[str]) -> Iterator[Any]:
        width = len(self._description.columns) if self._source.media_type == CSV else len(names)
        columns = list(dict.fromkeys(names))
        max_rows = max(1, min(_CELLS_PER_BLOCK // width, _TEXT_BYTES_PER_BLOCK // self._measure_row_texts(columns)))
        for frame in dataset_reader.read_blocks(self._source, self._description, columns, max_rows):
            self._check()
            yield frame

    def _measure_row_texts(self, names: Sequence[str]) -> int:
        """Return the mean size in bytes of a row's texts that are read, at least 1."""
        is_csv = self._source.media_type == CSV
        texts = sum(column.text_bytes or 0 for column in self._description.columns if is_csv or column.name in names)
        return max(1, texts // self._description.rows)

    def _encode_values(self, name: str, values: Any) -> Array:
        match self._types[name]:
            case "str":
                return self._texts[name].encode_texts(values)
            case "boolean":
                return values.to_numpy(np.int64, na_value=_MISSING_BOOLEAN)
            case "Int64":
                return values.to_numpy(np.int64, na_value=self._missing_integers[name])
            case "float64":
                return values.to_numpy(np.float64)
            case _:
                return values.to_numpy(np.int64)


def _choose_missing_integer(column: ColumnDescription) -> int:
    """Return the integer that is stored for a missing one: a value that the column does not have.

    Raises:
        PreparationError: the column has both the smallest and the largest integers of 64 bits.

    """
    if column.minimum is not None and column.minimum > -_INTEGER_LIMIT:
        return -_INTEGER_LIMIT
    if column.maximum is not None and column.maximum < _INTEGER_LIMIT:
        return _INTEGER_LIMIT - 1
    raise PreparationError(
        f"“{column.name}” has missing values, and integers over the whole range of 64 bits. "
        "Store it as text, or raise STACKYARD_DATA_MEMORY."
    )


class _TextIndex:
    """The distinct texts of a column, numbered in the order in which they first occur."""

    def __init__(self, name: str, max_bytes: int) -> None:
        self._name = name
        self._max_bytes = max_bytes
        self._size = 0
        self._indices: dict[str, int] = {}
        self._texts: Array | None = None

    def encode_texts(self, values: Any) -> Array:
        """Return each text's index, -1 for a missing one; int64 of shape (rows,)."""
        codes, texts = _pandas.factorize(values)
        for text in texts:
            if text not in self._indices:
                self._indices[text] = len(self._indices)
                self._size += _TEXT_OVERHEAD_BYTES + len(text)
        if self._size > self._max_bytes and len(self._indices) > MAX_CATEGORIES:
            raise PreparationError(
                f"“{self._name}” has so many different texts that they need more than {self._max_bytes:,} bytes of "
                "memory (STACKYARD_DATA_MEMORY). Replace the texts by numbers."
            )
        return np.array([*(self._indices[text] for text in texts), -1], np.int64)[codes]

    def get_texts(self) -> Array:
        """Return the texts by index, followed by NaN, so that index -1 is NaN; an array of objects."""
        if self._texts is None:
            self._texts = np.array([*self._indices, np.nan], dtype=object)
        return self._texts


def _write_cells(descriptor: int, cells: Array, cell_index: int) -> None:
    remaining = np.ascontiguousarray(cells).data.cast("B")
    offset = _CELL_BYTES * cell_index
    while remaining:
        with translate_write_errors():
            written = os.pwrite(descriptor, remaining, offset)
        remaining, offset = remaining[written:], offset + written
