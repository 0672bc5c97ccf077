"""What the data give to the network and to the loss."""

from dataclasses import dataclass
from typing import Literal

from stackyard.spec.check.report import Rows, Shape


@dataclass(frozen=True)
class Target:
    """What the loss compares the output with.

    `numbers` are anything; `labels` are whole numbers of which `classes` are known, from 0 to `classes` - 1 where
    `counted`; `one_hot` has one output for each class. `from_text` says that the labels were made of text. `shape`
    is that of one row, () for a single value.
    """

    kind: Literal["numbers", "labels", "one_hot"]
    shape: Shape
    what: str
    classes: int | None = None
    counted: bool = False
    from_text: bool = False
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Inputs:
    """What is known of the rows; None stands for what a fault hides."""

    shape: Shape | None
    target: Target | None
    rows: Rows
    most_rows: int | None
    """As many rows as there can be for training."""
