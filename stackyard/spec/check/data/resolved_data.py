"""The inputs and the target that the data section of a spec gives to the network and to the loss."""

from dataclasses import dataclass
from typing import Literal

from stackyard.spec.check.report import RowCounts, Shape
from stackyard.spec.data.data import ArrayTarget, TableTarget

Range = tuple[float, float]
"""A minimum and a maximum."""

Categories = tuple[int | bool | str, ...]
"""Distinct values of a column, an array or a target, ascending."""


@dataclass(frozen=True)
class Target:
    """The target that the loss compares with the output.

    A target of kind `numbers` has arbitrary values. One of kind `labels` has whole numbers; `values` lists them if
    they are few, and `counts_from_zero` says that each value is its own index in `values`. One of kind `one_hot` has
    an output for each of `values`. With `from_text`, the labels are indexes of texts in `values`.

    For a target of kind `numbers`, `number_reason` says why it has no labels, and `label_fix` how it could have some.
    `source` names the column or array in messages. `shape` is the shape of one row, () for a single value.
    """

    kind: Literal["numbers", "labels", "one_hot"]
    shape: Shape
    source: str
    values: Categories | None = None
    counts_from_zero: bool = False
    from_text: bool = False
    minimum: float | None = None
    maximum: float | None = None
    single_row_value: int | bool | str | None = None
    """A value of a single row, if it is known that there is one."""
    number_reason: str | None = None
    label_fix: str | None = None

    @property
    def class_count(self) -> int | None:
        """The number of values, or None if they are unknown."""
        return None if self.values is None else len(self.values)


@dataclass(frozen=True)
class ResolvedData:
    """The properties of the rows; None where a fault hides one."""

    shape: Shape | None
    target: Target | None
    rows: RowCounts
    max_train_rows: int | None
    """The largest possible number of training rows."""
    ranges: tuple[Range | None, ...] = ()
    """The range of each input column, or of each input array; None where it is scaled or unknown."""


def list_scaling_arguments(target: TableTarget | ArrayTarget) -> list[str]:
    """Return the names of the arguments that scale a target."""
    return [name for name in ("transform", "divide_by", "standard") if getattr(target, name)]
