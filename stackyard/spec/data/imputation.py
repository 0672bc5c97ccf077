"""Replacements for missing values, by scikit-learn's `SimpleImputer` fitted only on the training rows."""

from typing import Annotated, Literal

from stackyard.spec.base import Scalar, SpecModel
from stackyard.spec.tagged_union import TaggedUnion


class Mean(SpecModel):
    """The mean of a numeric column."""

    strategy: Literal["mean"] = "mean"


class Median(SpecModel):
    """The median of a numeric column."""

    strategy: Literal["median"] = "median"


class MostFrequent(SpecModel):
    """The most frequent value of a column of numbers or text; among equally frequent ones, the smallest."""

    strategy: Literal["most_frequent"] = "most_frequent"


class Constant(SpecModel):
    """A given value. With the transforms `one_hot` and `ordinal`, it may be a new category of the column's type."""

    strategy: Literal["constant"] = "constant"
    fill_value: Scalar


Imputation = Annotated[Mean | Median | MostFrequent | Constant, TaggedUnion("an imputation", discriminator="strategy")]
