"""Keras's losses, with every argument but `dtype`."""

from typing import Annotated, Any, Literal

from pydantic import Field

from stackyard.spec.base import Fraction, Items, Name, NonNegative, Part, Positive, Share
from stackyard.spec.tagged_union import Closed

Axis = Annotated[Items[int], Field(min_length=1, max_length=8)]


class LossBase(Part):
    """What every loss takes. Keras's `reduction` of none gives no number to train on, and is left out."""

    type: Any  # each subclass narrows it; here so that it comes first
    name: Name
    reduction: Literal["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight"] = "sum_over_batch_size"


class MeanSquaredError(LossBase):
    """Mean of squared errors."""

    type: Literal["MeanSquaredError"] = "MeanSquaredError"
    name: Name = "mean_squared_error"


class MeanAbsoluteError(LossBase):
    """Mean of absolute errors."""

    type: Literal["MeanAbsoluteError"] = "MeanAbsoluteError"
    name: Name = "mean_absolute_error"


class MeanAbsolutePercentageError(LossBase):
    """Mean of absolute errors in percent of the target."""

    type: Literal["MeanAbsolutePercentageError"] = "MeanAbsolutePercentageError"
    name: Name = "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(LossBase):
    """Mean of squared errors of logarithms."""

    type: Literal["MeanSquaredLogarithmicError"] = "MeanSquaredLogarithmicError"
    name: Name = "mean_squared_logarithmic_error"


class Huber(LossBase):
    """Squared up to `delta`, absolute beyond."""

    type: Literal["Huber"] = "Huber"
    name: Name = "huber_loss"
    delta: Positive = 1.0


class LogCosh(LossBase):
    """Logarithm of the hyperbolic cosine of errors."""

    type: Literal["LogCosh"] = "LogCosh"
    name: Name = "log_cosh"


class Poisson(LossBase):
    """Poisson's, for counts."""

    type: Literal["Poisson"] = "Poisson"
    name: Name = "poisson"


class CosineSimilarity(LossBase):
    """The negative cosine between target and output."""

    type: Literal["CosineSimilarity"] = "CosineSimilarity"
    name: Name = "cosine_similarity"
    axis: int = -1


class KLDivergence(LossBase):
    """Kullback and Leibler's divergence, between distributions."""

    type: Literal["KLDivergence"] = "KLDivergence"
    name: Name = "kl_divergence"


class Hinge(LossBase):
    """Hinge, for targets of -1 and 1 (0 counts as -1)."""

    type: Literal["Hinge"] = "Hinge"
    name: Name = "hinge"


class SquaredHinge(LossBase):
    """Squared hinge, for targets of -1 and 1 (0 counts as -1)."""

    type: Literal["SquaredHinge"] = "SquaredHinge"
    name: Name = "squared_hinge"


class CategoricalHinge(LossBase):
    """Hinge between the right class and the best wrong one."""

    type: Literal["CategoricalHinge"] = "CategoricalHinge"
    name: Name = "categorical_hinge"


class BinaryCrossentropy(LossBase):
    """Crossentropy of one or more yes-or-no targets."""

    type: Literal["BinaryCrossentropy"] = "BinaryCrossentropy"
    name: Name = "binary_crossentropy"
    from_logits: bool = False
    label_smoothing: Share = 0.0
    axis: int = -1


class BinaryFocalCrossentropy(LossBase):
    """Binary crossentropy that dwells on hard examples."""

    type: Literal["BinaryFocalCrossentropy"] = "BinaryFocalCrossentropy"
    name: Name = "binary_focal_crossentropy"
    apply_class_balancing: bool = False
    alpha: Share = 0.25
    gamma: NonNegative = 2.0
    from_logits: bool = False
    label_smoothing: Share = 0.0
    axis: int = -1


class CategoricalCrossentropy(LossBase):
    """Crossentropy of one-hot targets."""

    type: Literal["CategoricalCrossentropy"] = "CategoricalCrossentropy"
    name: Name = "categorical_crossentropy"
    from_logits: bool = False
    label_smoothing: Share = 0.0
    axis: int = -1


class CategoricalFocalCrossentropy(LossBase):
    """Categorical crossentropy that dwells on hard examples."""

    type: Literal["CategoricalFocalCrossentropy"] = "CategoricalFocalCrossentropy"
    name: Name = "categorical_focal_crossentropy"
    alpha: Share = 0.25
    gamma: NonNegative = 2.0
    from_logits: bool = False
    label_smoothing: Share = 0.0
    axis: int = -1


class CategoricalGeneralizedCrossEntropy(LossBase):
    """Between crossentropy and absolute error, for noisy labels."""

    type: Literal["CategoricalGeneralizedCrossEntropy"] = "CategoricalGeneralizedCrossEntropy"
    name: Name = "categorical_generalized_cross_entropy"
    q: Fraction = 0.5


class SparseCategoricalCrossentropy(LossBase):
    """Crossentropy of labels that count from 0."""

    type: Literal["SparseCategoricalCrossentropy"] = "SparseCategoricalCrossentropy"
    name: Name = "sparse_categorical_crossentropy"
    from_logits: bool = False
    ignore_class: int | None = None
    axis: int = -1


class Dice(LossBase):
    """Dice's, of overlap."""

    type: Literal["Dice"] = "Dice"
    name: Name = "dice"
    axis: Axis | None = None


class Tversky(LossBase):
    """Tversky's, of overlap."""

    type: Literal["Tversky"] = "Tversky"
    name: Name = "tversky"
    alpha: NonNegative = 0.5
    beta: NonNegative = 0.5
    axis: Axis | None = None


Loss = Annotated[
    MeanSquaredError
    | MeanAbsoluteError
    | MeanAbsolutePercentageError
    | MeanSquaredLogarithmicError
    | Huber
    | LogCosh
    | Poisson
    | CosineSimilarity
    | KLDivergence
    | Hinge
    | SquaredHinge
    | CategoricalHinge
    | BinaryCrossentropy
    | BinaryFocalCrossentropy
    | CategoricalCrossentropy
    | CategoricalFocalCrossentropy
    | CategoricalGeneralizedCrossEntropy
    | SparseCategoricalCrossentropy
    | Dice
    | Tversky,
    Closed(
        "a loss",
        aliases={
            "mse": "MeanSquaredError",
            "mae": "MeanAbsoluteError",
            "mape": "MeanAbsolutePercentageError",
            "msle": "MeanSquaredLogarithmicError",
            "bce": "BinaryCrossentropy",
            "kld": "KLDivergence",
        },
    ),
]
"""Not offered: CTC and Circle, whose targets no data of a spec gives yet."""

LABEL_LOSSES = (SparseCategoricalCrossentropy, CategoricalGeneralizedCrossEntropy)
"""Losses whose target is a label, a whole number, beside an output for each class."""

SIGN_LOSSES = (Hinge, SquaredHinge)
"""Losses whose two classes lie below and above 0."""
