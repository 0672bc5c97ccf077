"""A table's rows in a file of our own, a column behind the other, from which any of them can be had."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from service.datasets.dataset_source import CSV, FileSource
from stackyard.spec import TableData, TableDescription
from stackyard.spec.data.description import MAX_CATEGORIES
from worker.preparation import dataset_reader
from worker.preparation.arrays import Array, PreparationError
from worker.preparation.mapped_rows import forget
from worker.preparation.out_of_core.disk_writer import storing
from worker.preparation.plan import used_columns
from worker.preparation.prepare import lacking_columns, nothing_left

_CELL = 8
"""Bytes: int64 of whole numbers, booleans and the places of texts, float64 of others."""
_BLOCK_CELLS = 1 << 20
"""Of the file, read at a time; a cell of text takes some more than eight bytes."""
_READ = 4 << 20
"""Bytes that a column of a Parquet file takes up while it is read: pages of it, packed and unpacked."""
_FITTED = 8
"""How many numbers there are, at most, for each that scikit-learn fits on."""
_MISSING = 2
"""Of a boolean, beside 0 and 1."""
_TEXT_BYTES = 100
"""About what a text takes up in a dictionary, beside its characters."""

_pandas: Any = pd  # of what it types, some is not known


class SpooledTable:
    """The rows of a table that are left, numbered anew, with the columns that have a task.

    Args:
        data: of the spec.
        description: of the dataset.
        source: where its rows are.
        path: of the file to be made.
        share: bytes that columns may take up in memory at a time.
        check: called between two blocks; what it raises passes through.

    Raises:
        PreparationError: no row is left, or there are too many different texts.
        StorageError: there is no room for the file.

    """

    def __init__(
        self,
        data: TableData,
        description: TableDescription,
        source: FileSource,
        path: Path,
        share: int,
        check: Callable[[], None],
    ) -> None:
        self._description = description
        self._source = source
        self._share = share
        self._check = check
        self._names = used_columns(data, description)
        self._places = {name: place for place, name in enumerate(self._names)}
        self._types = dataset_reader.dtypes(description, self._names)
        self._texts = {name: _Texts(name, share) for name in self._names if self._types[name] == "str"}
        self.count = self._spool(lacking_columns(data, description), path)
        if self.count == 0:
            raise nothing_left()
        self.cells: Array = np.memmap(path, np.int64, "r", shape=(len(self._names), description.rows))

    def column(self, name: str) -> Any:
        """A column of all rows, as a Series; texts are shared by the rows that have them."""
        cells = self.cells[self._places[name], : self.count]
        return _pandas.Series(self._texts[name].values()[cells] if name in self._texts else self._values(name, cells))

    def frame(self, names: Sequence[str], positions: Array) -> Any:
        """Some columns of some rows, in these orders, as a DataFrame of the types that `worker.preparation.dataset_reader` reads."""
        return pd.DataFrame({name: self._values(name, self.cells[self._places[name]][positions]) for name in names})

    def columns(self, names: Sequence[str], positions: Array) -> Iterator[Any]:
        """The same, as DataFrames of as many columns each as there is room for."""
        most = max(1, self._share // (_CELL * _FITTED * len(positions)))
        for first in range(0, len(names), most):
            self._check()
            yield self.frame(names[first : first + most], positions)
            forget([self.cells])

    def _values(self, name: str, cells: Array) -> Any:
        match self._types[name]:
            case "str":
                return pd.array(self._texts[name].values()[cells], dtype="str")
            case "bool":
                return cells.astype(np.bool_)
            case "boolean":
                return pd.arrays.BooleanArray(cells == 1, cells == _MISSING)
            case "float64":
                return cells.view(np.float64)
            case _:
                return np.asarray(cells)

    def _spool(self, lacking: Sequence[str], path: Path) -> int:
        """Write the file, and return how many rows are left.

        Args:
            lacking: the columns of which a row must not lack a value to be left.
            path: of the file.

        """
        groups = self._groups(self._names)
        left = self._left(lacking) if lacking and len(groups) > 1 else None
        count = 0
        with storing():
            file = path.open("xb")
        with file:
            for names in groups:
                count = seen = 0
                for frame in self._blocks(names if left is not None else [*names, *lacking]):
                    rows = frame.dropna(subset=[*lacking]) if left is None else frame[left[seen : seen + len(frame)]]
                    for name in names:
                        place = self._places[name] * self._description.rows + count
                        _write_at(file.fileno(), self._encoded(name, rows[name]), place)
                    count += len(rows)
                    seen += len(frame)
            with storing():
                file.truncate(_CELL * len(self._names) * self._description.rows)
        return count

    def _left(self, lacking: Sequence[str]) -> Array:
        """Which rows lack nothing in these columns; of shape (rows,)."""
        left = np.ones(self._description.rows, np.bool_)
        for names in self._groups(lacking):
            seen = 0
            for frame in self._blocks(names):
                left[seen : seen + len(frame)] &= frame.notna().all(axis=1).to_numpy()
                seen += len(frame)
        return left

    def _groups(self, names: Sequence[str]) -> list[Sequence[str]]:
        """Columns to be read at a time: of a CSV file all, of a Parquet file as many as the share has room for."""
        most = len(names) if self._source.media_type == CSV else max(1, self._share // _READ)
        return [names[first : first + most] for first in range(0, len(names), most)]

    def _blocks(self, names: Sequence[str]) -> Iterator[Any]:
        wide = len(self._description.columns) if self._source.media_type == CSV else len(names)
        columns = list(dict.fromkeys(names))
        for frame in dataset_reader.read_blocks(
            self._source, self._description, columns, max(1, _BLOCK_CELLS // wide)
        ):
            self._check()
            yield frame

    def _encoded(self, name: str, values: Any) -> Array:
        match self._types[name]:
            case "str":
                return self._texts[name].places(values)
            case "boolean":
                return values.to_numpy(np.int64, na_value=_MISSING)
            case "float64":
                return values.to_numpy(np.float64)
            case _:
                return values.to_numpy(np.int64)


class _Texts:
    """The different texts of a column, each with a place in the order in which they came."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._size = 0
        self._found: dict[str, int] = {}
        self._values: Array | None = None

    def places(self, values: Any) -> Array:
        """Each text's place, -1 for a missing one; int64 of shape (rows,)."""
        codes, texts = _pandas.factorize(values)
        for text in texts:
            if text not in self._found:
                self._found[text] = len(self._found)
                self._size += _TEXT_BYTES + len(text)
        if self._size > self._most and len(self._found) > MAX_CATEGORIES:
            raise PreparationError(
                f"“{self._name}” has so many different texts that they take up more than the {self._most:,} bytes of "
                "memory that there are for them (STACKYARD_DATA_MEMORY); have numbers in their place."
            )
        return np.array([*(self._found[text] for text in texts), -1], np.int64)[codes]

    def values(self) -> Array:
        """The texts by their places, and NaN behind them, for -1; an array of objects."""
        if self._values is None:
            self._values = np.array([*self._found, np.nan], dtype=object)
        return self._values


def _write_at(descriptor: int, cells: Array, place: int) -> None:
    left = np.ascontiguousarray(cells).data.cast("B")
    at = _CELL * place
    while left:
        with storing():
            written = os.pwrite(descriptor, left, at)
        left, at = left[written:], at + written
