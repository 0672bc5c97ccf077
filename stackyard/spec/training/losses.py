"""Keras's losses, with all of their arguments except `dtype`."""

from typing import Annotated, Any, Literal

from stackyard.spec import not_offered
from stackyard.spec.base import Axes, Name, NonNegativeFloat, OpenUnitInterval, PositiveFloat, SpecModel, UnitInterval
from stackyard.spec.tagged_union import TaggedUnion


class LossBase(SpecModel):
    """Arguments of every loss. The `reduction` "none" is not supported, because it returns no single number."""

    type: Any  # declared here so that it comes first; each subclass narrows it
    name: Name
    reduction: Literal["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight"] = "sum_over_batch_size"


class MeanSquaredError(LossBase):
    """Mean of the squared errors."""

    type: Literal["MeanSquaredError"] = "MeanSquaredError"
    name: Name = "mean_squared_error"


class MeanAbsoluteError(LossBase):
    """Mean of the absolute errors."""

    type: Literal["MeanAbsoluteError"] = "MeanAbsoluteError"
    name: Name = "mean_absolute_error"


class MeanAbsolutePercentageError(LossBase):
    """Mean of the absolute errors in percent of the target."""

    type: Literal["MeanAbsolutePercentageError"] = "MeanAbsolutePercentageError"
    name: Name = "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(LossBase):
    """Mean of the squared differences between the logarithms of target and output."""

    type: Literal["MeanSquaredLogarithmicError"] = "MeanSquaredLogarithmicError"
    name: Name = "mean_squared_logarithmic_error"


class Huber(LossBase):
    """Squared error up to `delta`, linear beyond it."""

    type: Literal["Huber"] = "Huber"
    name: Name = "huber_loss"
    delta: PositiveFloat = 1.0


class LogCosh(LossBase):
    """Mean of the logarithm of the hyperbolic cosine of the errors."""

    type: Literal["LogCosh"] = "LogCosh"
    name: Name = "log_cosh"


class Poisson(LossBase):
    """Poisson loss, for counts."""

    type: Literal["Poisson"] = "Poisson"
    name: Name = "poisson"


class CosineSimilarity(LossBase):
    """Negative cosine similarity between target and output."""

    type: Literal["CosineSimilarity"] = "CosineSimilarity"
    name: Name = "cosine_similarity"
    axis: int = -1


class KLDivergence(LossBase):
    """Kullback-Leibler divergence between two distributions."""

    type: Literal["KLDivergence"] = "KLDivergence"
    name: Name = "kl_divergence"


class Hinge(LossBase):
    """Hinge loss, for targets of -1 and 1; a target of 0 is treated as -1."""

    type: Literal["Hinge"] = "Hinge"
    name: Name = "hinge"


class SquaredHinge(LossBase):
    """Squared hinge loss, for targets of -1 and 1; a target of 0 is treated as -1."""

    type: Literal["SquaredHinge"] = "SquaredHinge"
    name: Name = "squared_hinge"


class CategoricalHinge(LossBase):
    """Hinge loss between the true class and the highest-scoring other class."""

    type: Literal["CategoricalHinge"] = "CategoricalHinge"
    name: Name = "categorical_hinge"


class BinaryCrossentropy(LossBase):
    """Cross-entropy of one or more binary targets."""

    type: Literal["BinaryCrossentropy"] = "BinaryCrossentropy"
    name: Name = "binary_crossentropy"
    from_logits: bool = False
    label_smoothing: UnitInterval = 0.0
    axis: int = -1


class BinaryFocalCrossentropy(LossBase):
    """Binary cross-entropy that gives more weight to hard examples."""

    type: Literal["BinaryFocalCrossentropy"] = "BinaryFocalCrossentropy"
    name: Name = "binary_focal_crossentropy"
    apply_class_balancing: bool = False
    alpha: UnitInterval = 0.25
    gamma: NonNegativeFloat = 2.0
    from_logits: bool = False
    label_smoothing: UnitInterval = 0.0
    axis: int = -1


class CategoricalCrossentropy(LossBase):
    """Cross-entropy between one-hot targets and class probabilities."""

    type: Literal["CategoricalCrossentropy"] = "CategoricalCrossentropy"
    name: Name = "categorical_crossentropy"
    from_logits: bool = False
    label_smoothing: UnitInterval = 0.0
    axis: int = -1


class CategoricalFocalCrossentropy(LossBase):
    """Categorical cross-entropy that gives more weight to hard examples."""

    type: Literal["CategoricalFocalCrossentropy"] = "CategoricalFocalCrossentropy"
    name: Name = "categorical_focal_crossentropy"
    alpha: UnitInterval = 0.25
    gamma: NonNegativeFloat = 2.0
    from_logits: bool = False
    label_smoothing: UnitInterval = 0.0
    axis: int = -1


class CategoricalGeneralizedCrossEntropy(LossBase):
    """A loss between cross-entropy and mean absolute error, robust to noisy labels."""

    type: Literal["CategoricalGeneralizedCrossEntropy"] = "CategoricalGeneralizedCrossEntropy"
    name: Name = "categorical_generalized_cross_entropy"
    q: OpenUnitInterval = 0.5


class SparseCategoricalCrossentropy(LossBase):
    """Cross-entropy between integer labels, counted from 0, and class probabilities."""

    type: Literal["SparseCategoricalCrossentropy"] = "SparseCategoricalCrossentropy"
    name: Name = "sparse_categorical_crossentropy"
    from_logits: bool = False
    ignore_class: int | None = None
    axis: int = -1


class Dice(LossBase):
    """Dice loss, one minus the overlap of target and output."""

    type: Literal["Dice"] = "Dice"
    name: Name = "dice"
    axis: Axes | None = None


class Tversky(LossBase):
    """Tversky loss: Dice loss with separate weights for false positives and false negatives."""

    type: Literal["Tversky"] = "Tversky"
    name: Name = "tversky"
    alpha: NonNegativeFloat = 0.5
    beta: NonNegativeFloat = 0.5
    axis: Axes | None = None


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
    TaggedUnion(
        "a loss",
        not_offered=not_offered.LOSSES,
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
"""Not supported: CTC and Circle, because a spec cannot describe their targets."""

LABEL_LOSSES = (SparseCategoricalCrossentropy, CategoricalGeneralizedCrossEntropy)
"""Losses whose target is an integer label while the network has one output per class."""

SIGN_LOSSES = (Hinge, SquaredHinge)
"""Losses whose two classes have a target below 0 and one above 0."""
