"""What a job learns from."""

from collections.abc import Iterable
from typing import Annotated, Literal, cast

from pydantic import Field

from stackyard.spec.base import Items, Part, Positive, Text
from stackyard.spec.data.description import ColumnDescription
from stackyard.spec.data.imputation import Imputation, Mean, Median
from stackyard.spec.data.split import Split
from stackyard.spec.tagged_union import ONE_OR_MANY, Chosen

Columns = Annotated[Items[Text], Field(min_length=1)]

Transform = Literal["none", "standard", "minmax", "robust", "l2", "one_hot", "ordinal"]
"""What becomes of a column, by scikit-learn's StandardScaler, MinMaxScaler, RobustScaler, Normalizer (`l2`: each row
of the group by its Euclidean norm), OneHotEncoder or OrdinalEncoder, fitted on the training rows alone.

The values of `one_hot` and `ordinal` are the exception: they are those of the whole column, ascending, as the
description of the dataset lists them, so that the width of the input is known before the job queues. In rows to
predict, a value that is none of them becomes zeros (`one_hot`) or -1 (`ordinal`).
"""

CATEGORICAL: frozenset[Transform] = frozenset({"one_hot", "ordinal"})
"""Those that take values for what they are and not for how great they are."""


class Features(Part):
    """Some columns and what becomes of each; `impute` null is that of `data`."""

    columns: Columns
    transform: Transform = "none"
    impute: Imputation | None = None


class TableTarget(Part):
    """The column, or the columns, to be predicted.

    Text with no `encode` becomes its place, from 0, among the sorted values of the whole column; `one_hot` makes one
    output of each of them. `divide_by` and then `standard` (fitted on the training rows) scale numbers.
    """

    column: Annotated[Text | Columns, ONE_OR_MANY]
    encode: Literal["one_hot"] | None = None
    divide_by: Positive | None = None
    standard: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The names, however many there are."""
        return (self.column,) if isinstance(self.column, str) else self.column


class TableData(Part):
    """Rows of a table.

    `features` null is every column with no other task (target, sample weight, group or column of a split), as it is.
    Inputs stand in the order of the groups and of their columns. `drop_missing` leaves out each row that lacks a value
    in any column of the dataset, or in one of those that it lists, before the split: `DataFrame.dropna(subset=...)`.
    `impute` then fills what the features still lack. `sample_weight` names a column of weights for the loss of the
    training rows: Keras's argument of `fit`.
    """

    dataset: Text
    features: Annotated[Items[Features], Field(min_length=1)] | None = None
    target: TableTarget
    drop_missing: Annotated[bool | Columns, ONE_OR_MANY] = False
    impute: Imputation | None = None
    sample_weight: Text | None = None
    split: Split = Split()

    @property
    def set_aside(self) -> tuple[str, ...]:
        """The columns that are no features unless a group names them."""
        weight = () if self.sample_weight is None else (self.sample_weight,)
        return (*self.target.columns, *weight, *self.split.deciding_columns)

    def groups(self, names: Iterable[str]) -> tuple[Features, ...]:
        """The groups of features, where the dataset's columns are called `names`."""
        if self.features is not None:
            return self.features
        rest = tuple(name for name in names if name not in self.set_aside)
        return (Features.model_construct(columns=rest),)

    def imputation(self, group: Features) -> Imputation | None:
        """What is to fill the holes of a group."""
        return group.impute or self.impute

    def filling(self, group: Features, column: ColumnDescription) -> Imputation | None:
        """What can fill the holes of a group's column: a mean and a median fill neither categories nor text."""
        how = self.imputation(group)
        valued = group.transform in CATEGORICAL or column.type == "text"
        return None if valued and isinstance(how, Mean | Median) else how

    def drops(self, column: str) -> bool:
        """Whether rows that lack a value in this column are left out."""
        return self.drop_missing if isinstance(self.drop_missing, bool) else column in self.drop_missing


class ArrayTarget(Part):
    """`one_hot` makes one output of each distinct value, in ascending order; the rest is as for a table."""

    encode: Literal["one_hot"] | None = None
    divide_by: Positive | None = None
    standard: bool = False


class ArrayPair(Part):
    """Names of two arrays whose rows belong together."""

    x: Text
    y: Text


class Normalize(Part):
    """`keras.utils.normalize`: divides by the norm of `order` along `axis`, where axis 0 counts the rows."""

    axis: int = -1
    order: Positive = 2.0


class ArrayData(Part):
    """Arrays of an NPZ file, `x` in and `y` out, and another pair to test on.

    What a split or `sample_weight` calls a column is here an array of one number a row.
    """

    dataset: Text
    x: Text
    y: Text
    test: ArrayPair | None = None
    normalize: Normalize | None = None
    target: ArrayTarget = ArrayTarget()
    sample_weight: Text | None = None
    split: Split = Split()


def _is_arrays(value: object) -> bool:
    if isinstance(value, dict):
        return not {"x", "y"}.isdisjoint(cast("dict[str, object]", value))
    return isinstance(value, ArrayData)


Data = Annotated[TableData | ArrayData, Chosen(lambda value: int(_is_arrays(value)))]
"""Arrays where there is an `x` or a `y`, a table otherwise."""
