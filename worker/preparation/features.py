"""A table's inputs: groups of columns, each with a transform that is fitted on the training rows alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from stackyard.spec import ColumnDescription, Features, TableData
from worker.preparation.encoding import one_hot, places
from worker.preparation.prepared import Array

# scikit-learn does not type what these return.
_StandardScaler: Any = StandardScaler
_MinMaxScaler: Any = MinMaxScaler


@dataclass(frozen=True)
class _Group:
    """Columns of one group: all their rows, their descriptions, and the positions of the training rows."""

    table: Any
    columns: Sequence[ColumnDescription]
    train: Array


def groups(data: TableData, columns: Mapping[str, ColumnDescription]) -> tuple[Features, ...]:
    """The spec's groups of features; where it has none, every column but the target's, as it is."""
    if data.features is not None:
        return data.features
    return (Features(columns=tuple(name for name in columns if name not in data.target.columns)),)


def build(
    frame: pd.DataFrame,
    wanted: Sequence[Features],
    columns: Mapping[str, ColumnDescription],
    train: Array,
) -> Array:
    """The inputs of every row, in the groups' order and their columns'; float32 of shape (rows, width).

    Args:
        frame: the rows that are left, with all the columns that are wanted.
        wanted: groups of columns.
        columns: their descriptions, by name.
        train: positions of the training rows.

    Raises:
        PreparationError: a value is not one of its column's categories.

    """
    table: Any = frame  # pandas does not type what its indexing returns
    blocks = [
        _TRANSFORMS[group.transform](
            _Group(table[list(group.columns)], [columns[name] for name in group.columns], train),
        )
        for group in wanted
    ]
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        return np.concatenate(blocks, axis=1, dtype=np.float32, casting="same_kind")


def _plain(group: _Group) -> Array:
    return group.table.to_numpy("float64", na_value=np.nan)


def _one_hot(group: _Group) -> Array:
    blocks = [_one_hot_column(group.table[column.name], column) for column in group.columns]
    return np.concatenate(blocks, axis=1)


def _one_hot_column(values: Any, column: ColumnDescription) -> Array:
    categories = column.categories or []
    return one_hot(places(values, categories, column.name), len(categories))


def _scaled(scaler: Callable[[], Any]) -> Callable[[_Group], Array]:
    def transform(group: _Group) -> Array:
        numbers = group.table.astype("float64")
        return scaler().fit(numbers.iloc[group.train]).transform(numbers)

    return transform


_TRANSFORMS: dict[str, Callable[[_Group], Array]] = {
    "none": _plain,
    "one_hot": _one_hot,
    "standard": _scaled(_StandardScaler),
    "minmax": _scaled(_MinMaxScaler),
}
"""A function for each of the spec's transforms; it gives float64 or float32 of shape (rows, width)."""
