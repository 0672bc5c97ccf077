"""Which rows train, validate and test."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stackyard.spec.base import Fraction, Items, Part, Scalar, Seed, Text, refusal
from stackyard.spec.tagged_union import Closed


class RandomSplit(Part):
    """The rows that `DataFrame.sample(frac=train_fraction, random_state=seed)` draws train, the others do not.

    `seed` null is `training.seed`.
    """

    method: Literal["random"] = "random"
    train_fraction: Fraction
    seed: Seed | None = None


class TrainTestSplit(Part):
    """scikit-learn's `train_test_split`, `seed` being its `random_state`; null is `training.seed`.

    `stratify` names a column, or an array of one number a row, whose values both sides have in equal shares.
    """

    method: Literal["train_test_split"] = "train_test_split"
    train_fraction: Fraction
    seed: Seed | None = None
    shuffle: bool = True
    stratify: Text | None = None

    @model_validator(mode="after")
    def _shuffled_to_stratify(self) -> Self:
        if self.stratify is not None and not self.shuffle:
            raise refusal(
                "expected no stratify beside shuffle false: scikit-learn stratifies what it shuffles", "stratify"
            )
        return self


class GroupSplit(Part):
    """scikit-learn's `GroupShuffleSplit`: rows with the same value of `column` stay on the same side.

    `train_fraction` is the share of the groups, not of the rows. `seed` null is `training.seed`.
    """

    method: Literal["group"] = "group"
    column: Text
    train_fraction: Fraction
    seed: Seed | None = None


class LastSplit(Part):
    """The head trains and the tail does not, in the order of the rows: Keras's `validation_split`."""

    method: Literal["last"] = "last"
    train_fraction: Fraction


class ColumnSplit(Part):
    """A column says which: rows whose value is one of `values` do not train, as by `DataFrame.isin`."""

    method: Literal["column"] = "column"
    column: Text
    values: Annotated[Items[Scalar], Field(min_length=1, max_length=1000)]


SplitMethod = Annotated[
    RandomSplit | TrainTestSplit | GroupSplit | LastSplit | ColumnSplit,
    Closed("a split method", by="method", bare=False),
]


class Split(Part):
    """`test` is set aside first; `validation` then divides what is left."""

    test: SplitMethod | None = None
    validation: SplitMethod | None = None

    @property
    def methods(self) -> tuple[SplitMethod, ...]:
        """Those that there are, in the order in which they are applied."""
        return tuple(method for method in (self.test, self.validation) if method is not None)

    @property
    def deciding_columns(self) -> tuple[str, ...]:
        """The columns whose only task is to say which rows are which."""
        return tuple(method.column for method in self.methods if isinstance(method, GroupSplit | ColumnSplit))


def train_rows(method: RandomSplit | TrainTestSplit | LastSplit, rows: int) -> int:
    """Return how many of `rows` train: pandas rounds its fraction, scikit-learn and Keras cut it off."""
    if isinstance(method, RandomSplit):
        return round(method.train_fraction * rows)
    return math.floor(method.train_fraction * rows)
