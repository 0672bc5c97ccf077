"""A table's inputs: groups of columns, each with a transform that is fitted on the training rows alone.

What was fitted is numbers and nothing else, so that it can be stored as JSON and applied to other rows later. The
arithmetic is scikit-learn's own, both times.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from sklearn import preprocessing
from sklearn.impute import SimpleImputer

from stackyard.spec import ColumnDescription, Features, Imputation, TableData
from stackyard.spec.data.data import CATEGORICAL, Transform
from worker.preparation.arrays import Array, PreparationError, empty
from worker.preparation.transforms.columns import Columns

# scikit-learn does not type what its methods return.
_scikit_learn: Any = preprocessing
_SimpleImputer: Any = SimpleImputer

_SCALERS: Mapping[Transform, tuple[Any, tuple[str, ...]]] = {
    "standard": (_scikit_learn.StandardScaler, ("mean_", "scale_")),
    "minmax": (_scikit_learn.MinMaxScaler, ("min_", "scale_")),
    "robust": (_scikit_learn.RobustScaler, ("center_", "scale_")),
}
"""The scalers, and which of their attributes `transform` goes by."""


class FittedGroup(BaseModel):
    """Some columns and what becomes of them: `fill` by column, `numbers` by the attribute of a scaler."""

    model_config = ConfigDict(frozen=True)

    columns: tuple[ColumnDescription, ...]
    transform: Transform
    fill: dict[str, int | float | bool | str]
    numbers: dict[str, list[float]]

    def apply(self, frame: Any) -> Array:
        """The inputs that rows of the whole table become; float64 or float32 of shape (rows, width).

        A value that a `one_hot` or `ordinal` column does not have becomes zeros, or -1.
        """
        table = _filled(frame, self.columns, self.transform, self.fill)
        match self.transform:
            case "none":
                return table.to_numpy("float64")
            case "l2":
                return _scikit_learn.Normalizer().transform(table.to_numpy("float64"))
            case "one_hot":
                return _one_hot(self.columns).transform(table)
            case "ordinal":
                return _ordinal(self.columns).transform(table)
            case _:
                return self._scaler().transform(table.to_numpy("float64"))

    def _scaler(self) -> Any:
        scaler: Any = _SCALERS[self.transform][0]()
        scaler.n_features_in_ = len(self.columns)
        for name, values in self.numbers.items():
            setattr(scaler, name, np.array(values))
        return scaler


class FittedTable(BaseModel):
    """Every group of a table's features."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["table"] = "table"
    groups: tuple[FittedGroup, ...]

    @property
    def columns(self) -> tuple[ColumnDescription, ...]:
        """The columns that rows need, in the order of the inputs."""
        return tuple(column for group in self.groups for column in group.columns)

    def apply(self, frame: Any) -> Array:
        """The inputs of rows, in the groups' order and their columns'; float32 of shape (rows, width)."""
        blocks = [group.apply(frame) for group in self.groups]
        made = empty((len(frame), sum(block.shape[1] for block in blocks)))
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
            return np.concatenate(blocks, axis=1, out=made, casting="same_kind")


def fit(data: TableData, columns: Mapping[str, ColumnDescription], rows: Columns) -> FittedTable:
    """Fit the transforms of a table's features.

    Args:
        data: of the spec.
        columns: descriptions of the dataset's columns, by name.
        rows: the training rows, the only ones that are looked at.

    Raises:
        PreparationError: a column that is to be imputed has no value among the training rows.

    """
    return FittedTable(
        groups=tuple(
            _fit(data, group, [columns[name] for name in group.columns], rows) for group in data.groups(columns)
        )
    )


def _fit(data: TableData, group: Features, columns: Sequence[ColumnDescription], rows: Columns) -> FittedGroup:
    fills = {column.name: data.filling(group, column) for column in columns}
    given = {name: how for name, how in fills.items() if how is not None}
    fill = {
        name: _fill(given[name], group.transform, frame[[name]]) for frame in rows([*given]) for name in frame.columns
    }
    numbers: dict[str, list[float]] = {}
    if group.transform in _SCALERS:
        scaler, attributes = _SCALERS[group.transform]
        numbers = {name: [] for name in attributes}
        for frame in rows(group.columns):
            some = [column for column in columns if column.name in frame]
            fitted = scaler().fit(_filled(frame, some, group.transform, fill))
            for name in attributes:
                numbers[name] += getattr(fitted, name).tolist()
    return FittedGroup(columns=tuple(columns), transform=group.transform, fill=fill, numbers=numbers)


def _fill(how: Imputation, transform: Transform, column: Any) -> int | float | bool | str:
    """What takes the place of a missing value in a frame of one column."""
    given = column.astype("object" if transform in CATEGORICAL else "float64")
    if given.isna().all(axis=None):
        raise PreparationError(f"“{column.columns[0]}” has no value among the training rows to impute from.")
    imputer = _SimpleImputer(strategy=how.strategy, fill_value=getattr(how, "fill_value", None))
    return imputer.fit(given.to_numpy(na_value=np.nan)).statistics_.tolist()[0]


def _filled(frame: Any, columns: Sequence[ColumnDescription], transform: Transform, fill: Mapping[str, Any]) -> Any:
    """The columns of a group as scikit-learn takes them: numbers, or values as they are."""
    table = frame[[column.name for column in columns]]
    if transform not in CATEGORICAL:
        return table.astype("float64").fillna(dict(fill))
    return pd.DataFrame({column.name: _values(table[column.name], column, fill) for column in columns})


def _values(values: Any, column: ColumnDescription, fill: Mapping[str, Any]) -> Any:
    plain = values.astype("object")
    if column.name in fill:
        plain = plain.where(plain.notna(), fill[column.name])
    return plain if column.type == "text" else plain.astype("int64" if column.type == "integer" else "bool")


def _categories(columns: Sequence[ColumnDescription]) -> list[Array]:
    types = {"text": object, "integer": np.int64, "boolean": np.bool_}
    return [np.array(column.categories, dtype=types[column.type]) for column in columns]


def _one_hot(columns: Sequence[ColumnDescription]) -> Any:
    encoder = _scikit_learn.OneHotEncoder(
        categories=_categories(columns), handle_unknown="ignore", sparse_output=False, dtype=np.float32
    )
    return encoder.fit(_first(columns))


def _ordinal(columns: Sequence[ColumnDescription]) -> Any:
    encoder = _scikit_learn.OrdinalEncoder(
        categories=_categories(columns), handle_unknown="use_encoded_value", unknown_value=-1
    )
    return encoder.fit(_first(columns))


def _first(columns: Sequence[ColumnDescription]) -> Any:
    """A row to fit an encoder on, all of whose categories are given."""
    names = [column.name for column in columns]
    return pd.DataFrame(
        {name: values[:1] for name, values in zip(names, _categories(columns), strict=True)}, columns=names
    )
