"""The data of a job: a dataset, its features, its target and its splits."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, cast

from pydantic import Field

from stackyard.spec.base import DataName, JsonArray, PositiveFloat, SpecModel
from stackyard.spec.data.description import ColumnDescription
from stackyard.spec.data.imputation import Imputation, Mean, Median
from stackyard.spec.data.split import Split
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
dataset lists them. The width of the input is therefore known before the job is queued. In predictions, an unknown
category becomes zeros (`one_hot`) or -1 (`ordinal`). Where an Embedding looks up the inputs, it is refused.
"""

CATEGORICAL_TRANSFORMS: frozenset[Transform] = frozenset({"one_hot", "ordinal"})
"""The transforms that treat values as categories, not as numbers."""


class Features(SpecModel):
    """A group of columns with the same transform. If `impute` is null, the `impute` of `data` applies."""

    columns: Columns
    transform: Transform = "none"
    impute: Imputation | None = None


class TableTarget(SpecModel):
    """The column or columns to predict.

    Text without `encode` becomes an integer label: its index, from 0, among the sorted values of the whole column.
    With `encode` "one_hot", each value becomes one output. Numbers are divided by `divide_by`; after that, `standard`
    scales them with a StandardScaler that is fitted on the training rows.
    """

    column: Annotated[DataName | Columns, ONE_OR_MANY]
    encode: Literal["one_hot"] | None = None
    divide_by: PositiveFloat | None = None
    standard: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the target columns, also if there is only one."""
        return (self.column,) if isinstance(self.column, str) else self.column


class TableData(SpecModel):
    """A table: rows with features and a target.

    If `features` is null, every column is an unchanged feature, except the target, the sample weight, the `column` of
    a split, and columns without a name or of an unsupported type. The inputs of the network have the order of the
    groups and of their columns.

    `drop_missing` removes rows before the split, as `DataFrame.dropna(subset=...)` does: with true, rows that lack a
    value in any column of the dataset; with an array, in any of the listed columns. `impute` then fills the values
    that are still missing in the features.

    `sample_weight` names a column that weights the loss of the training rows, as Keras's argument of `fit`.
    """

    dataset: DataName
    features: Annotated[JsonArray[Features], Field(min_length=1)] | None = None
    target: TableTarget
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
        """Return the groups of features of a dataset with these columns."""
        if self.features is not None:
            return self.features
        reserved_columns = set(self.reserved_columns)
        columns = tuple(
            name
            for name, column in columns_by_name.items()
            if name not in reserved_columns and column.is_default_feature
        )
        return (Features.model_construct(columns=columns),)

    def get_imputation(self, group: Features) -> Imputation | None:
        """Return the imputation of a group's missing values."""
        return group.impute or self.impute

    def get_column_imputation(self, group: Features, column: ColumnDescription) -> Imputation | None:
        """Return the imputation of one column, or None if its group's cannot apply: text has no mean or median."""
        imputation = self.get_imputation(group)
        is_categorical = group.transform in CATEGORICAL_TRANSFORMS or column.type == "text"
        return None if is_categorical and isinstance(imputation, Mean | Median) else imputation

    def drops_rows_without(self, column: str) -> bool:
        """Return whether rows that lack a value in this column are dropped."""
        return self.drop_missing if isinstance(self.drop_missing, bool) else column in self._drop_missing_columns

    @cached_property
    def _drop_missing_columns(self) -> frozenset[str]:
        return frozenset() if isinstance(self.drop_missing, bool) else frozenset(self.drop_missing)


class ArrayTarget(SpecModel):
    """With `encode` "one_hot", each distinct value becomes one output, in ascending order.

    `divide_by` and `standard` scale numbers as in the target of a table.
    """

    encode: Literal["one_hot"] | None = None
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
