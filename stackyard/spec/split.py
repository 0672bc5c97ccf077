"""Which rows train, validate and test."""

import math
from typing import Annotated, Literal

from stackyard.spec.base import Fraction, Part, Seed
from stackyard.spec.closed import Closed


class RandomSplit(Part):
    """The rows that `DataFrame.sample(frac=train_fraction, random_state=seed)` draws train, the others do not.

    `seed` null is `training.seed`.
    """

    method: Literal["random"] = "random"
    train_fraction: Fraction
    seed: Seed | None = None


class TrainTestSplit(Part):
    """scikit-learn's `train_test_split`, `seed` being its `random_state`; null is `training.seed`."""

    method: Literal["train_test_split"] = "train_test_split"
    train_fraction: Fraction
    seed: Seed | None = None
    shuffle: bool = True


class LastSplit(Part):
    """The head trains and the tail does not, in the order of the rows: Keras's `validation_split`."""

    method: Literal["last"] = "last"
    train_fraction: Fraction


SplitMethod = Annotated[RandomSplit | TrainTestSplit | LastSplit, Closed("a split method", by="method", bare=False)]


class Split(Part):
    """`test` is set aside first; `validation` then divides what is left."""

    test: SplitMethod | None = None
    validation: SplitMethod | None = None


def train_rows(method: SplitMethod, rows: int) -> int:
    """Return how many of `rows` train: pandas rounds its fraction, scikit-learn and Keras cut it off."""
    if isinstance(method, RandomSplit):
        return round(method.train_fraction * rows)
    return math.floor(method.train_fraction * rows)
