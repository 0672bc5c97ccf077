"""The data of a job: a dataset, its features, its target and its splits."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self, cast

from pydantic import Field, model_validator

from stackyard.spec.base import DataName, JsonArray, PositiveFloat, SpecModel, build_validation_error
from stackyard.spec.data.description import ColumnDescription
from stackyard.spec.data.imputation import Constant, Imputation, Mean, Median
from stackyard.spec.data.split import Split
from stackyard.spec.short_form import ShortForm
from stackyard.spec.tagged_union import ONE_OR_MANY, UntaggedUnion

Columns = Annotated[JsonArray[DataName], Field(min_length=1)]

Transform = Literal["none", "standard", "minmax", "robust", "l2", "one_hot", "ordinal"]
"""The transform of a group of features, fitted only on the training rows. Each is a transformer of scikit-learn:

- `none`: the values are unchanged;
- `standard`: StandardScaler;
- `minmax`: MinMaxScaler;
- `robust`: RobustScaler;
- `l2`: Normalizer, which divides each row of the group by its Euclidean norm;
- `one_hot`: OneHotEncoder;
- `ordinal`: OrdinalEncoder.

The categories of `one_hot` and `ordinal` are those of the whole column, in ascending order, as the description of the
dataset lists them. A constant that fills missing values is one more category if the column lacks it. The width of the
input is therefore known before the job is queued. In predictions, an unknown category becomes zeros (`one_hot`) or -1
(`ordinal`). Where an Embedding looks up the inputs, it is refused.
"""

CATEGORICAL_TRANSFORMS: frozenset[Transform] = frozenset({"one_hot", "ordinal"})
"""The transforms that treat values as categories, not as numbers."""


ColumnKind = Literal["numeric", "boolean", "text"]
"""A kind of columns: `numeric` are integers and floats."""

_COLUMN_KINDS: Mapping[str, ColumnKind] = {
    "integer": "numeric",
    "float": "numeric",
    "boolean": "boolean",
    "text": "text",
}

TargetTransform = Literal["log", "log1p"]
"""`log` is the natural logarithm, for numbers above 0; `log1p` is that of 1 + the number, for numbers above -1."""


class Features(SpecModel):
    """A group of columns with the same transform. If `impute` is null, the `impute` of `data` applies.

    `select` adds all columns of a kind, in the order of the dataset; `numeric` are integers and floats. It leaves out
    columns that another group lists or selects earlier, the `exclude` of `data`, the target, the sample weight and the
    `column` of a split.
    """

    columns: JsonArray[DataName] = ()
    select: ColumnKind | None = None
    transform: Transform = "none"
    impute: Imputation | None = None

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        if not self.columns and self.select is None:
            raise build_validation_error(
                'expected "columns", an array of names, or "select", a kind of columns; received neither', "columns"
            )
        return self


FeatureGroup = Annotated[Features, ShortForm("columns", DataName, (str,), lambda name: [name])]
"""A group of features. A string is short for the group of that one column, unchanged."""


class TableTarget(SpecModel):
    """The column or columns to predict.

    Text without `encode` becomes an integer label: its index, from 0, among the sorted values of the whole column.
    With `encode` "one_hot", each value becomes one output. Floats that are all whole numbers can be labels, too.

    With `transform`, numbers are first replaced by a logarithm: `log` is the natural logarithm, for numbers above
    0, and `log1p` that of 1 + the number, for numbers above -1. Then they are divided by `divide_by`; after that,
    `standard` scales them with a StandardScaler that is fitted on the training rows. Predictions and residuals are
    in the units of the dataset. The loss and the metrics are not.
    """

    column: Annotated[DataName | Columns, ONE_OR_MANY]
    encode: Literal["one_hot"] | None = None
    transform: TargetTransform | None = None
    divide_by: PositiveFloat | None = None
    standard: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the target columns, also if there is only one."""
        return (self.column,) if isinstance(self.column, str) else self.column


Target = Annotated[TableTarget, ShortForm("column", Annotated[DataName | Columns, ONE_OR_MANY], (str, list))]
"""The target of a table. A string, or an array of strings, is short for the object with that `column`."""


class TableData(SpecModel):
    """A table: rows with features and a target.

    If `features` is null, every column is an unchanged feature, except the target, the sample weight, the `column` of
    a split, and columns without a name or of an unsupported type. The inputs of the network have the order of the
    groups and of their columns. `exclude` lists columns that are no features, if `features` is null or a group selects
    a kind of columns.

    The short form `"features": ["a", "b"]` has a group for each name, and `"target": "y"` is short for
    `"target": {"column": "y"}`. A job keeps the long form.

    `drop_missing` removes rows before the split, as `DataFrame.dropna(subset=...)` does: with true, rows that lack a
    value in any column of the dataset; with an array, in any of the listed columns. `impute` then fills the values
    that are still missing in the features, by the `strategy` "mean", "median", "most_frequent" or "constant":
    `"impute": "median"`, or `"impute": {"strategy": "constant", "fill_value": 0}`.

    `sample_weight` names a column that weights the loss of the training rows, as Keras's argument of `fit`.

    `test_dataset` names another table, whose rows are the test set. It needs the columns of the features, of the
    target and of `drop_missing`, with values of the same kinds. It takes the place of a split's `test`.
    """

    dataset: DataName
    test_dataset: DataName | None = None
    features: Annotated[JsonArray[FeatureGroup], Field(min_length=1)] | None = None
    exclude: Columns | None = None
    target: Target
    drop_missing: Annotated[bool | Columns, ONE_OR_MANY] = False
    impute: Imputation | None = None
    sample_weight: DataName | None = None
    split: Split = Split()

    @property
    def reserved_columns(self) -> tuple[str, ...]:
        """The columns that are features only if a group lists them: target, sample weight and split columns."""
        weight = () if self.sample_weight is None else (self.sample_weight,)
        return (*self.target.columns, *weight, *self.split.split_columns)

    def list_feature_groups(self, columns_by_name: Mapping[str, ColumnDescription]) -> tuple[Features, ...]:
        """Return the groups of features of a dataset with these columns; `columns` has the selected ones, too."""
        unavailable = {*self.reserved_columns, *(self.exclude or ())}
        if self.features is None:
            columns = tuple(
                name
                for name, column in columns_by_name.items()
                if column.is_default_feature and name not in unavailable
            )
            return (Features.model_construct(columns=columns),)
        unavailable.update(name for group in self.features for name in group.columns)
        groups: list[Features] = []
        for group in self.features:
            selected = tuple(
                name
                for name, column in columns_by_name.items()
                if group.select is not None
                and _get_kind(column) == group.select
                and column.is_default_feature
                and name not in unavailable
            )
            unavailable.update(selected)
            groups.append(group.model_copy(update={"columns": (*group.columns, *selected)}) if selected else group)
        return tuple(groups)

    def get_imputation(self, group: Features) -> Imputation | None:
        """Return the imputation of a group's missing values."""
        return group.impute or self.impute

    def get_column_imputation(self, group: Features, column: ColumnDescription) -> Imputation | None:
        """Return the imputation of one column, or None if its group's cannot apply: text has no mean or median."""
        imputation = self.get_imputation(group)
        is_categorical = group.transform in CATEGORICAL_TRANSFORMS or column.type == "text"
        return None if is_categorical and isinstance(imputation, Mean | Median) else imputation

    def list_categories(self, group: Features, column: ColumnDescription) -> list[int | bool | str] | None:
        """Return the categories of a column of a categorical group: its own values and that of a constant imputation.

        The constant is a category of its own if the column has missing values that are not dropped.
        """
        imputation = self.get_imputation(group)
        if not isinstance(imputation, Constant) or not column.missing or self.drops_rows_without(column.name):
            return column.categories
        known, category = column.categories or [], convert_to_category(imputation.fill_value, column)
        return column.categories if category is None or category in known else sorted([*known, category])

    def drops_rows_without(self, column: str) -> bool:
        """Return whether rows that lack a value in this column are dropped."""
        return self.drop_missing if isinstance(self.drop_missing, bool) else column in self._drop_missing_columns

    @cached_property
    def _drop_missing_columns(self) -> frozenset[str]:
        return frozenset() if isinstance(self.drop_missing, bool) else frozenset(self.drop_missing)


def convert_to_category(value: float | bool | str, column: ColumnDescription) -> int | bool | str | None:
    """Return a value as a category of the column, or None if it has another type than the column's categories.

    Types are those of JSON: true is not 1. Categories of a column of floats are whole numbers.
    """
    if column.type == "float" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, float) or not column.categories or type(column.categories[0]) is not type(value):
        return None
    return value


def _get_kind(column: ColumnDescription) -> ColumnKind | None:
    return _COLUMN_KINDS.get(column.type)


class ArrayTarget(SpecModel):
    """With `encode` "one_hot", each distinct value becomes one output, in ascending order.

    `transform`, `divide_by` and `standard` scale numbers as in the target of a table.
    """

    encode: Literal["one_hot"] | None = None
    transform: TargetTransform | None = None
    divide_by: PositiveFloat | None = None
    standard: bool = False


class ArrayPair(SpecModel):
    """The names of an input array `x` and a target array `y` with the same number of rows."""

    x: DataName
    y: DataName


class Normalize(SpecModel):
    """Divides by the norm of `order` along `axis`, as `keras.utils.normalize` does. Axis 0 is the axis of rows."""

    axis: int = -1
    order: PositiveFloat = 2.0


class ArrayData(SpecModel):
    """Arrays of an NPZ file: the inputs `x`, the targets `y` and an optional pair of test arrays.

    Where a split or `sample_weight` names a column, it names an array with one number per row here.
    """

    dataset: DataName
    x: DataName
    y: DataName
    test: ArrayPair | None = None
    normalize: Normalize | None = None
    target: ArrayTarget = ArrayTarget()
    sample_weight: DataName | None = None
    split: Split = Split()


def _is_array_data(value: object) -> bool:
    if isinstance(value, dict):
        return not {"x", "y"}.isdisjoint(cast("dict[str, object]", value))
    return isinstance(value, ArrayData)


Data = Annotated[TableData | ArrayData, UntaggedUnion(lambda value: int(_is_array_data(value)))]
"""[ArrayData](#arraydata) if the object has an `x` or a `y`, otherwise [TableData](#tabledata)."""
