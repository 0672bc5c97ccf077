"""What a job learns from."""

from typing import Annotated, Literal, cast

from pydantic import Field

from stackyard.spec.base import Items, Part, Positive, Text
from stackyard.spec.closed import ONE_OR_MANY, Chosen
from stackyard.spec.split import Split

Columns = Annotated[Items[Text], Field(min_length=1)]

Transform = Literal["none", "standard", "minmax", "one_hot"]
"""What becomes of a column, fitted on the training rows alone.

The values of `one_hot` are the exception: they are those of the whole column, as the dataset's description lists
them, so that the width of the input is known before the job queues.
"""


class Features(Part):
    """Some columns and what becomes of each."""

    columns: Columns
    transform: Transform = "none"


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

    `features` null is every column but the target's, as it is. Inputs stand in the order of the groups and of their
    columns. `drop_missing` leaves out each row that lacks a value in any column of the dataset, as
    `DataFrame.dropna()` does, before the split.
    """

    dataset: Text
    features: Annotated[Items[Features], Field(min_length=1)] | None = None
    target: TableTarget
    drop_missing: bool = False
    split: Split = Split()


class ArrayTarget(Part):
    """`one_hot` makes one output of each distinct value, in ascending order."""

    encode: Literal["one_hot"] | None = None


class ArrayPair(Part):
    """Names of two arrays whose rows belong together."""

    x: Text
    y: Text


class Normalize(Part):
    """`keras.utils.normalize`: divides by the norm of `order` along `axis`, where axis 0 counts the rows."""

    axis: int = -1
    order: Positive = 2.0


class ArrayData(Part):
    """Arrays of an NPZ file, `x` in and `y` out, and another pair to test on."""

    dataset: Text
    x: Text
    y: Text
    test: ArrayPair | None = None
    normalize: Normalize | None = None
    target: ArrayTarget = ArrayTarget()
    split: Split = Split()


def _is_arrays(value: object) -> bool:
    if isinstance(value, dict):
        return not {"x", "y"}.isdisjoint(cast("dict[str, object]", value))
    return isinstance(value, ArrayData)


Data = Annotated[TableData | ArrayData, Chosen(lambda value: int(_is_arrays(value)))]
"""Arrays where there is an `x` or a `y`, a table otherwise."""
