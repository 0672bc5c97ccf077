"""What takes the place of a missing value: scikit-learn's `SimpleImputer`, fitted on the training rows alone."""

from typing import Annotated, Literal

from stackyard.spec.base import Part, Scalar
from stackyard.spec.tagged_union import Closed


class Mean(Part):
    """The mean of a column of numbers."""

    strategy: Literal["mean"] = "mean"


class Median(Part):
    """The median of a column of numbers."""

    strategy: Literal["median"] = "median"


class MostFrequent(Part):
    """The value that a column, also one of text, has most often; of several such values, the least."""

    strategy: Literal["most_frequent"] = "most_frequent"


class Constant(Part):
    """One value for all; for `one_hot` and `ordinal` it has to be one that each column has."""

    strategy: Literal["constant"] = "constant"
    fill_value: Scalar


Imputation = Annotated[Mean | Median | MostFrequent | Constant, Closed("an imputation", by="strategy")]
