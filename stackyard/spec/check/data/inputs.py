"""What the data give to the network and to the loss."""

from dataclasses import dataclass
from typing import Literal

from stackyard.spec.check.report import Rows, Shape
from stackyard.spec.data.data import ArrayTarget, TableTarget

Range = tuple[float, float]

Values = tuple[int | bool | str, ...]
"""Distinct values of a target, ascending."""


@dataclass(frozen=True)
class Target:
    """What the loss compares the output with.

    `numbers` are anything; `labels` are whole numbers of which `values` are known, each its own place where `counted`;
    `one_hot` has one output for each of `values`. `from_text` says that the labels are places among them. `shape` is
    that of one row, () for a single value.
    """

    kind: Literal["numbers", "labels", "one_hot"]
    shape: Shape
    what: str
    values: Values | None = None
    counted: bool = False
    from_text: bool = False
    minimum: float | None = None
    maximum: float | None = None

    @property
    def classes(self) -> int | None:
        """How many values there are, where they are known."""
        return None if self.values is None else len(self.values)


@dataclass(frozen=True)
class Inputs:
    """What is known of the rows; None stands for what a fault hides."""

    shape: Shape | None
    target: Target | None
    rows: Rows
    most_rows: int | None
    """As many rows as there can be for training."""
    ranges: tuple[Range | None, ...] = ()
    """The least and the greatest value of each input column, or of the array; None where it is scaled or not known."""


def scaled(target: TableTarget | ArrayTarget) -> list[str]:
    """Return the names of the arguments by which a target is scaled."""
    return [name for name in ("divide_by", "standard") if getattr(target, name)]
