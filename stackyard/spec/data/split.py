"""Methods that divide rows into training rows and held-out rows."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stackyard.spec.base import DataName, JsonArray, OpenUnitInterval, Scalar, Seed, SpecModel, build_validation_error
from stackyard.spec.tagged_union import TaggedUnion


class RandomSplit(SpecModel):
    """Trains on the rows that `DataFrame.sample(frac=train_fraction, random_state=seed)` draws; holds out the others.

    If `seed` is null, `training.seed` applies.
    """

    method: Literal["random"] = "random"
    train_fraction: OpenUnitInterval
    seed: Seed | None = None


class TrainTestSplit(SpecModel):
    """scikit-learn's `train_test_split`, with `seed` as its `random_state`; if null, `training.seed` applies.

    `stratify` names a column, or an array with one number per row. Both sides get the same proportions of its values.
    """

    method: Literal["train_test_split"] = "train_test_split"
    train_fraction: OpenUnitInterval
    seed: Seed | None = None
    shuffle: bool = True
    stratify: DataName | None = None

    @model_validator(mode="after")
    def _check_stratify(self) -> Self:
        if self.stratify is not None and not self.shuffle:
            raise build_validation_error(
                "expected no stratify when shuffle is false: scikit-learn stratifies only with shuffling", "stratify"
            )
        return self


class GroupSplit(SpecModel):
    """scikit-learn's `GroupShuffleSplit`: rows with the same value of `column` stay on the same side.

    `train_fraction` is the fraction of the groups, not of the rows. If `seed` is null, `training.seed` applies.
    """

    method: Literal["group"] = "group"
    column: DataName
    train_fraction: OpenUnitInterval
    seed: Seed | None = None


class LastSplit(SpecModel):
    """Trains on the first rows and holds out the last ones, as Keras's `validation_split`."""

    method: Literal["last"] = "last"
    train_fraction: OpenUnitInterval


class ColumnSplit(SpecModel):
    """Holds out the rows whose `column` has one of `values`, as `DataFrame.isin` selects them."""

    method: Literal["column"] = "column"
    column: DataName
    values: Annotated[JsonArray[Scalar], Field(min_length=1, max_length=1000)]


SplitMethod = Annotated[
    RandomSplit | TrainTestSplit | GroupSplit | LastSplit | ColumnSplit,
    TaggedUnion("a split method", discriminator="method", allow_bare_names=False),
]


class Split(SpecModel):
    """The test and validation sets. `test` is held out first; `validation` then divides the remaining rows."""

    test: SplitMethod | None = None
    validation: SplitMethod | None = None

    @property
    def methods(self) -> tuple[SplitMethod, ...]:
        """The given methods, in the order in which they are applied."""
        return tuple(method for method in (self.test, self.validation) if method is not None)

    @property
    def split_columns(self) -> tuple[str, ...]:
        """The columns that assign rows to the sides of a split, by their group or their value."""
        return tuple(method.column for method in self.methods if isinstance(method, GroupSplit | ColumnSplit))


def count_train_rows(method: RandomSplit | TrainTestSplit | LastSplit, row_count: int) -> int:
    """Return the number of training rows: pandas rounds it to the nearest, scikit-learn and Keras round it down."""
    if isinstance(method, RandomSplit):
        return round(method.train_fraction * row_count)
    return math.floor(method.train_fraction * row_count)
