"""A table's rows in a file of our own, a column behind the other, from which any of them can be had."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from service import tables
from service.sources import FileSource
from stackyard.spec import TableData, TableDescription
from worker.preparation.arrays import Array, PreparationError
from worker.preparation.door import nothing_left, read_columns, without_missing
from worker.preparation.large.storage import storing
from worker.preparation.plan import used_columns

_CELL = 8
"""Bytes: int64 of whole numbers, booleans and the places of texts, float64 of others."""
_BLOCK_CELLS = 1 << 20
"""Of the file, read at a time; a cell of text takes some more than eight bytes."""
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
        self._share = share
        self._check = check
        self._names = used_columns(data, description)
        self._types = tables.dtypes(description, self._names)
        self._texts = {name: _Texts(name, share) for name, type_ in self._types.items() if type_ == "str"}
        self.count = self._spool(data, description, source, path)
        if self.count == 0:
            raise nothing_left()
        self._cells = np.memmap(path, np.int64, "r", shape=(len(self._names), description.rows))

    def column(self, name: str) -> Any:
        """A column of all rows, as a Series; texts are shared by the rows that have them."""
        cells = self._cells[self._names.index(name), : self.count]
        return _pandas.Series(self._texts[name].values()[cells] if name in self._texts else self._values(name, cells))

    def frame(self, names: Sequence[str], positions: Array) -> Any:
        """Some columns of some rows, in these orders, as a DataFrame of the types that `service.tables` reads."""
        places = {name: place for place, name in enumerate(self._names)}
        return pd.DataFrame({name: self._values(name, self._cells[places[name]][positions]) for name in names})

    def columns(self, names: Sequence[str], positions: Array) -> Iterator[Any]:
        """The same, as DataFrames of as many columns each as there is room for."""
        most = max(1, self._share // (_CELL * _FITTED * len(positions)))
        for first in range(0, len(names), most):
            self._check()
            yield self.frame(names[first : first + most], positions)

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

    def _spool(self, data: TableData, description: TableDescription, source: FileSource, path: Path) -> int:
        count = 0
        rows = max(1, _BLOCK_CELLS // len(description.columns))
        with storing():
            file = path.open("xb")
        with file:
            for frame in tables.read_blocks(source, description, read_columns(data, description), rows):
                self._check()
                left = without_missing(data, frame)
                for place, name in enumerate(self._names):
                    with storing():
                        _write_at(file.fileno(), self._encoded(name, left[name]), place * description.rows + count)
                count += len(left)
            with storing():
                file.truncate(_CELL * len(self._names) * description.rows)
        return count

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
        if self._size > self._most:
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
        written = os.pwrite(descriptor, left, at)
        left, at = left[written:], at + written
