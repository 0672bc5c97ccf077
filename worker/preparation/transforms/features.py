"""The inputs of a job that learns from a table: groups of columns, each with a transform fitted on the training rows.

A fitted transform consists of plain values, so that it can be stored as JSON and applied to other rows later. Fitting
and applying both use scikit-learn's own arithmetic.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from sklearn import preprocessing
from sklearn.impute import SimpleImputer

from stackyard.spec import ColumnDescription, CsvFormat, Features, Imputation, TableData
from stackyard.spec.data.data import CATEGORICAL_TRANSFORMS, Transform
from worker.preparation.arrays import Array, PreparationError, allocate_aligned
from worker.preparation.transforms.column_reader import ColumnReader

# scikit-learn's return types are untyped.
_scikit_learn: Any = preprocessing
_SimpleImputer: Any = SimpleImputer

_SCALERS: Mapping[Transform, tuple[Any, tuple[str, ...]]] = {
    "standard": (_scikit_learn.StandardScaler, ("mean_", "scale_")),
    "minmax": (_scikit_learn.MinMaxScaler, ("min_", "scale_")),
    "robust": (_scikit_learn.RobustScaler, ("center_", "scale_")),
}
"""Each scaler, and the attributes that its `transform` uses."""


class FittedGroup(BaseModel):
    """Some columns and their transform: `fill` is by column, `numbers` by the scaler's attribute."""

    model_config = ConfigDict(frozen=True)

    columns: tuple[ColumnDescription, ...]
    transform: Transform
    fill: dict[str, int | float | bool | str]
    numbers: dict[str, list[float]]

    def apply(self, frame: Any) -> Array:
        """Return the inputs for rows of the whole table; float64 or float32 of shape (rows, width).

        An unknown value becomes zeros in a `one_hot` column and -1 in an `ordinal` column.
        """
        table = _select_and_impute(frame, self.columns, self.transform, self.fill)
        match self.transform:
            case "none":
                return table.to_numpy("float64")
            case "l2":
                return _scikit_learn.Normalizer().transform(table.to_numpy("float64"))
            case "one_hot":
                return _build_one_hot_encoder(self.columns).transform(table)
            case "ordinal":
                return _build_ordinal_encoder(self.columns).transform(table)
            case _:
                return self._build_scaler().transform(table.to_numpy("float64"))

    def _build_scaler(self) -> Any:
        scaler: Any = _SCALERS[self.transform][0]()
        scaler.n_features_in_ = len(self.columns)
        for name, values in self.numbers.items():
            setattr(scaler, name, np.array(values))
        return scaler


class FittedTable(BaseModel):
    """All groups of a table's features. `csv` is the format of the dataset's CSV file."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["table"] = "table"
    groups: tuple[FittedGroup, ...]
    csv: CsvFormat | None = None

    @property
    def columns(self) -> tuple[ColumnDescription, ...]:
        """The columns that rows need, in the order of the inputs."""
        return tuple(column for group in self.groups for column in group.columns)

    def apply(self, frame: Any) -> Array:
        """Return the inputs for rows, in the order of groups and their columns; float32 of shape (rows, width)."""
        inputs_by_group = [group.apply(frame) for group in self.groups]
        inputs = allocate_aligned((len(frame), sum(group_inputs.shape[1] for group_inputs in inputs_by_group)))
        with np.errstate(over="ignore"):  # too large values become infinite, and callers reject those
            return np.concatenate(inputs_by_group, axis=1, out=inputs, casting="same_kind")


def fit_features(
    data: TableData,
    columns: Mapping[str, ColumnDescription],
    read_columns: ColumnReader,
    csv: CsvFormat | None = None,
) -> FittedTable:
    """Fit the transforms of a table's features.

    Args:
        data: of the spec.
        columns: descriptions of the dataset's columns, by name.
        read_columns: reads columns of the training rows; other rows are not used.
        csv: the format of the dataset's CSV file, in which predictions read rows.

    Raises:
        PreparationError: a column to impute has no value among the training rows.

    """
    return FittedTable(
        groups=tuple(
            _fit_group(
                data, group, [_add_fill_category(data, group, columns[name]) for name in group.columns], read_columns
            )
            for group in data.list_feature_groups(columns)
        ),
        csv=csv,
    )


def _add_fill_category(data: TableData, group: Features, column: ColumnDescription) -> ColumnDescription:
    """Return the description of a categorical column with the value that fills it among the categories."""
    if group.transform not in CATEGORICAL_TRANSFORMS:
        return column
    return column.model_copy(update={"categories": data.list_categories(group, column)})


def _fit_group(
    data: TableData, group: Features, columns: Sequence[ColumnDescription], read_columns: ColumnReader
) -> FittedGroup:
    optional_imputations = {column.name: data.get_column_imputation(group, column) for column in columns}
    imputations = {name: imputation for name, imputation in optional_imputations.items() if imputation is not None}
    fill = {
        name: _fit_imputation(imputations[name], group.transform, frame[[name]])
        for frame in read_columns([*imputations])
        for name in frame.columns
    }
    numbers: dict[str, list[float]] = {}
    if group.transform in _SCALERS:
        scaler, attributes = _SCALERS[group.transform]
        numbers = {name: [] for name in attributes}
        for frame in read_columns(group.columns):
            frame_columns = [column for column in columns if column.name in frame]
            fitted = scaler().fit(_select_and_impute(frame, frame_columns, group.transform, fill))
            for name in attributes:
                numbers[name] += getattr(fitted, name).tolist()
    return FittedGroup(columns=tuple(columns), transform=group.transform, fill=fill, numbers=numbers)


def _fit_imputation(imputation: Imputation, transform: Transform, column: Any) -> int | float | bool | str:
    """Return the value that replaces missing values in a frame of one column."""
    values = column.astype("object" if transform in CATEGORICAL_TRANSFORMS else "float64")
    if values.isna().all(axis=None):
        raise PreparationError(f"“{column.columns[0]}” has no value among the training rows to impute from.")
    imputer = _SimpleImputer(strategy=imputation.strategy, fill_value=getattr(imputation, "fill_value", None))
    return imputer.fit(values.to_numpy(na_value=np.nan)).statistics_.tolist()[0]


def _select_and_impute(
    frame: Any, columns: Sequence[ColumnDescription], transform: Transform, fill: Mapping[str, Any]
) -> Any:
    """Return a group's columns without missing values, as scikit-learn takes them: numbers or category values."""
    table = frame[[column.name for column in columns]]
    if transform not in CATEGORICAL_TRANSFORMS:
        return table.astype("float64").fillna(dict(fill))
    return pd.DataFrame({column.name: _impute_category(table[column.name], column, fill) for column in columns})


def _impute_category(values: Any, column: ColumnDescription, fill: Mapping[str, Any]) -> Any:
    plain = values.astype("object")
    if column.name in fill:
        plain = plain.where(plain.notna(), fill[column.name])
    return plain if column.type == "text" else plain.astype("bool" if column.type == "boolean" else "int64")


def _list_categories(columns: Sequence[ColumnDescription]) -> list[Array]:
    types = {"text": object, "integer": np.int64, "float": np.int64, "boolean": np.bool_}
    return [np.array(column.categories, dtype=types[column.type]) for column in columns]


def _build_one_hot_encoder(columns: Sequence[ColumnDescription]) -> Any:
    encoder = _scikit_learn.OneHotEncoder(
        categories=_list_categories(columns), handle_unknown="ignore", sparse_output=False, dtype=np.float32
    )
    return encoder.fit(_build_example_row(columns))


def _build_ordinal_encoder(columns: Sequence[ColumnDescription]) -> Any:
    encoder = _scikit_learn.OrdinalEncoder(
        categories=_list_categories(columns), handle_unknown="use_encoded_value", unknown_value=-1
    )
    return encoder.fit(_build_example_row(columns))


def _build_example_row(columns: Sequence[ColumnDescription]) -> Any:
    """Return one row to fit an encoder on; the encoder's categories are given, so that it learns nothing from it."""
    names = [column.name for column in columns]
    return pd.DataFrame(
        {name: values[:1] for name, values in zip(names, _list_categories(columns), strict=True)}, columns=names
    )
