"""Keras's metrics for regression and classification, with all of their arguments except `dtype`."""

from typing import Annotated, Any, Literal

from pydantic import Field

from stackyard.spec import not_offered
from stackyard.spec.base import (
    JsonArray,
    Name,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SpecModel,
    UnitInterval,
)
from stackyard.spec.tagged_union import ONE_OR_MANY, TaggedUnion
from stackyard.spec.training.losses import LABEL_LOSSES, Loss

Thresholds = Annotated[JsonArray[UnitInterval], Field(min_length=1, max_length=10_000)]
OneOrMoreThresholds = Annotated[UnitInterval | Thresholds, ONE_OR_MANY]
ThresholdCount = Annotated[int, Field(ge=1, le=10_000)]


class MetricBase(SpecModel):
    """Arguments of every metric: the `name` of its history column."""

    type: Any  # declared here so that it comes first; each subclass narrows it
    name: Name


class Accuracy(MetricBase):
    """Share of correct outputs: binary, categorical or sparse, as Keras resolves its string `accuracy`."""

    type: Literal["Accuracy"] = "Accuracy"
    name: Name = "accuracy"


class BinaryAccuracy(MetricBase):
    """Share of correct outputs for binary targets."""

    type: Literal["BinaryAccuracy"] = "BinaryAccuracy"
    name: Name = "binary_accuracy"
    threshold: UnitInterval = 0.5


class CategoricalAccuracy(MetricBase):
    """Share of rows whose most likely class is the one-hot target's class."""

    type: Literal["CategoricalAccuracy"] = "CategoricalAccuracy"
    name: Name = "categorical_accuracy"


class SparseCategoricalAccuracy(MetricBase):
    """Share of rows whose most likely class is the integer label."""

    type: Literal["SparseCategoricalAccuracy"] = "SparseCategoricalAccuracy"
    name: Name = "sparse_categorical_accuracy"


class TopKCategoricalAccuracy(MetricBase):
    """Share of rows whose one-hot target is among the `k` most likely classes."""

    type: Literal["TopKCategoricalAccuracy"] = "TopKCategoricalAccuracy"
    name: Name = "top_k_categorical_accuracy"
    k: PositiveInt = 5


class SparseTopKCategoricalAccuracy(MetricBase):
    """Share of rows whose integer label is among the `k` most likely classes."""

    type: Literal["SparseTopKCategoricalAccuracy"] = "SparseTopKCategoricalAccuracy"
    name: Name = "sparse_top_k_categorical_accuracy"
    k: PositiveInt = 5
    from_sorted_ids: bool = False


class AUC(MetricBase):
    """Area under the ROC or precision-recall curve."""

    type: Literal["AUC"] = "AUC"
    name: Name = "auc"
    num_thresholds: Annotated[int, Field(ge=2, le=10_000)] = 200
    curve: Literal["ROC", "PR", "PRGAIN"] = "ROC"
    summation_method: Literal["interpolation", "minoring", "majoring"] = "interpolation"
    thresholds: Thresholds | None = None
    multi_label: bool = False
    num_labels: PositiveInt | None = None
    label_weights: Annotated[JsonArray[NonNegativeFloat], Field(min_length=1)] | None = None
    from_logits: bool = False


class Precision(MetricBase):
    """Share of the predicted positives that are true positives."""

    type: Literal["Precision"] = "Precision"
    name: Name = "precision"
    thresholds: OneOrMoreThresholds | None = None
    top_k: PositiveInt | None = None
    class_id: NonNegativeInt | None = None


class Recall(MetricBase):
    """Share of the actual positives that are predicted as positive."""

    type: Literal["Recall"] = "Recall"
    name: Name = "recall"
    thresholds: OneOrMoreThresholds | None = None
    top_k: PositiveInt | None = None
    class_id: NonNegativeInt | None = None


class PrecisionAtRecall(MetricBase):
    """Highest precision at which recall is at least `recall`."""

    type: Literal["PrecisionAtRecall"] = "PrecisionAtRecall"
    name: Name = "precision_at_recall"
    recall: UnitInterval
    num_thresholds: ThresholdCount = 200
    class_id: NonNegativeInt | None = None


class RecallAtPrecision(MetricBase):
    """Highest recall at which precision is at least `precision`."""

    type: Literal["RecallAtPrecision"] = "RecallAtPrecision"
    name: Name = "recall_at_precision"
    precision: UnitInterval
    num_thresholds: ThresholdCount = 200
    class_id: NonNegativeInt | None = None


class SensitivityAtSpecificity(MetricBase):
    """Highest sensitivity at which specificity is at least `specificity`."""

    type: Literal["SensitivityAtSpecificity"] = "SensitivityAtSpecificity"
    name: Name = "sensitivity_at_specificity"
    specificity: UnitInterval
    num_thresholds: ThresholdCount = 200
    class_id: NonNegativeInt | None = None


class SpecificityAtSensitivity(MetricBase):
    """Highest specificity at which sensitivity is at least `sensitivity`."""

    type: Literal["SpecificityAtSensitivity"] = "SpecificityAtSensitivity"
    name: Name = "specificity_at_sensitivity"
    sensitivity: UnitInterval
    num_thresholds: ThresholdCount = 200
    class_id: NonNegativeInt | None = None


class TruePositives(MetricBase):
    """Number of true positives."""

    type: Literal["TruePositives"] = "TruePositives"
    name: Name = "true_positives"
    thresholds: OneOrMoreThresholds | None = None


class TrueNegatives(MetricBase):
    """Number of true negatives."""

    type: Literal["TrueNegatives"] = "TrueNegatives"
    name: Name = "true_negatives"
    thresholds: OneOrMoreThresholds | None = None


class FalsePositives(MetricBase):
    """Number of false positives."""

    type: Literal["FalsePositives"] = "FalsePositives"
    name: Name = "false_positives"
    thresholds: OneOrMoreThresholds | None = None


class FalseNegatives(MetricBase):
    """Number of false negatives."""

    type: Literal["FalseNegatives"] = "FalseNegatives"
    name: Name = "false_negatives"
    thresholds: OneOrMoreThresholds | None = None


class F1Score(MetricBase):
    """Harmonic mean of precision and recall: one score per class, unless `average` is set."""

    type: Literal["F1Score"] = "F1Score"
    name: Name = "f1_score"
    average: Literal["micro", "macro", "weighted"] | None = None
    threshold: Annotated[float, Field(gt=0, le=1)] | None = None


class FBetaScore(MetricBase):
    """As F1Score, with recall weighted `beta` times as much as precision."""

    type: Literal["FBetaScore"] = "FBetaScore"
    name: Name = "fbeta_score"
    average: Literal["micro", "macro", "weighted"] | None = None
    beta: PositiveFloat = 1.0
    threshold: Annotated[float, Field(gt=0, le=1)] | None = None


class BinaryCrossentropy(MetricBase):
    """Cross-entropy of binary targets."""

    type: Literal["BinaryCrossentropy"] = "BinaryCrossentropy"
    name: Name = "binary_crossentropy"
    from_logits: bool = False
    label_smoothing: UnitInterval = 0.0


class CategoricalCrossentropy(MetricBase):
    """Cross-entropy between one-hot targets and class probabilities."""

    type: Literal["CategoricalCrossentropy"] = "CategoricalCrossentropy"
    name: Name = "categorical_crossentropy"
    from_logits: bool = False
    label_smoothing: UnitInterval = 0.0
    axis: int = -1


class SparseCategoricalCrossentropy(MetricBase):
    """Cross-entropy between integer labels and class probabilities."""

    type: Literal["SparseCategoricalCrossentropy"] = "SparseCategoricalCrossentropy"
    name: Name = "sparse_categorical_crossentropy"
    from_logits: bool = False
    ignore_class: int | None = None
    axis: int = -1


class KLDivergence(MetricBase):
    """Kullback-Leibler divergence between two distributions."""

    type: Literal["KLDivergence"] = "KLDivergence"
    name: Name = "kl_divergence"


class Poisson(MetricBase):
    """Poisson loss, for counts."""

    type: Literal["Poisson"] = "Poisson"
    name: Name = "poisson"


class Hinge(MetricBase):
    """Hinge loss."""

    type: Literal["Hinge"] = "Hinge"
    name: Name = "hinge"


class SquaredHinge(MetricBase):
    """Squared hinge loss."""

    type: Literal["SquaredHinge"] = "SquaredHinge"
    name: Name = "squared_hinge"


class CategoricalHinge(MetricBase):
    """Hinge loss between the true class and the highest-scoring other class."""

    type: Literal["CategoricalHinge"] = "CategoricalHinge"
    name: Name = "categorical_hinge"


class MeanSquaredError(MetricBase):
    """Mean of the squared errors."""

    type: Literal["MeanSquaredError"] = "MeanSquaredError"
    name: Name = "mean_squared_error"


class RootMeanSquaredError(MetricBase):
    """Root of the mean of the squared errors."""

    type: Literal["RootMeanSquaredError"] = "RootMeanSquaredError"
    name: Name = "root_mean_squared_error"


class MeanAbsoluteError(MetricBase):
    """Mean of the absolute errors."""

    type: Literal["MeanAbsoluteError"] = "MeanAbsoluteError"
    name: Name = "mean_absolute_error"


class MeanAbsolutePercentageError(MetricBase):
    """Mean of the absolute errors in percent of the target."""

    type: Literal["MeanAbsolutePercentageError"] = "MeanAbsolutePercentageError"
    name: Name = "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(MetricBase):
    """Mean of the squared differences between the logarithms of target and output."""

    type: Literal["MeanSquaredLogarithmicError"] = "MeanSquaredLogarithmicError"
    name: Name = "mean_squared_logarithmic_error"


class LogCoshError(MetricBase):
    """Mean of the logarithm of the hyperbolic cosine of the errors."""

    type: Literal["LogCoshError"] = "LogCoshError"
    name: Name = "logcosh"


class CosineSimilarity(MetricBase):
    """Cosine similarity between target and output."""

    type: Literal["CosineSimilarity"] = "CosineSimilarity"
    name: Name = "cosine_similarity"
    axis: int = -1


class R2Score(MetricBase):
    """R² score, the share of the target's variance that the output explains."""

    type: Literal["R2Score"] = "R2Score"
    name: Name = "r2_score"
    class_aggregation: Literal["uniform_average", "variance_weighted_average"] | None = "uniform_average"
    num_regressors: NonNegativeInt = 0


class PearsonCorrelation(MetricBase):
    """Pearson correlation coefficient along `axis`."""

    type: Literal["PearsonCorrelation"] = "PearsonCorrelation"
    name: Name = "pearson_correlation"
    axis: int = -1


class ConcordanceCorrelation(MetricBase):
    """Concordance correlation coefficient along `axis`."""

    type: Literal["ConcordanceCorrelation"] = "ConcordanceCorrelation"
    name: Name = "concordance_correlation"
    axis: int = -1


Metric = Annotated[
    Accuracy
    | BinaryAccuracy
    | CategoricalAccuracy
    | SparseCategoricalAccuracy
    | TopKCategoricalAccuracy
    | SparseTopKCategoricalAccuracy
    | AUC
    | Precision
    | Recall
    | PrecisionAtRecall
    | RecallAtPrecision
    | SensitivityAtSpecificity
    | SpecificityAtSensitivity
    | TruePositives
    | TrueNegatives
    | FalsePositives
    | FalseNegatives
    | F1Score
    | FBetaScore
    | BinaryCrossentropy
    | CategoricalCrossentropy
    | SparseCategoricalCrossentropy
    | KLDivergence
    | Poisson
    | Hinge
    | SquaredHinge
    | CategoricalHinge
    | MeanSquaredError
    | RootMeanSquaredError
    | MeanAbsoluteError
    | MeanAbsolutePercentageError
    | MeanSquaredLogarithmicError
    | LogCoshError
    | CosineSimilarity
    | R2Score
    | PearsonCorrelation
    | ConcordanceCorrelation,
    TaggedUnion(
        "a metric",
        aliases={
            "mse": "MeanSquaredError",
            "mae": "MeanAbsoluteError",
            "mape": "MeanAbsolutePercentageError",
            "msle": "MeanSquaredLogarithmicError",
            "bce": "BinaryCrossentropy",
            "kld": "KLDivergence",
            "acc": "Accuracy",
            "logcosh": "LogCoshError",
        },
        keep_name=True,
        not_offered=not_offered.METRICS,
    ),
]
"""Not supported: Mean, Sum and MeanMetricWrapper, because they do not compare predictions with targets, and the IoU
metrics for segmentation. `Accuracy` means the same as Keras's string `accuracy`; Keras's class of that name, which
tests exact equality, is not supported.
"""


AXIS_METRICS = (F1Score, FBetaScore)
"""Metrics for which Keras requires a target of shape (rows, 1) where others also take (rows,)."""


def resolve_metric(metric: Metric, loss: Loss, output_size: int) -> Metric:
    """Return the metric that Keras computes, which returns one number; the arguments are those of `resolve_accuracy`.

    Of a single output, a metric with a number for each output returns the average of this one number.
    """
    if output_size == 1 and isinstance(metric, R2Score) and metric.class_aggregation is None:
        return metric.model_copy(update={"class_aggregation": "uniform_average"})
    if output_size == 1 and isinstance(metric, AXIS_METRICS) and metric.average is None:
        return metric.model_copy(update={"average": "macro"})
    return resolve_accuracy(metric, loss, output_size)


def resolve_accuracy(metric: Metric, loss: Loss, output_size: int) -> Metric:
    """Return the metric that Keras selects for its string `accuracy`, with the same name; other metrics unchanged.

    Keras selects it at the first batch, by the shapes there.

    Args:
        metric: Any metric of a spec.
        loss: The loss of the training.
        output_size: The size of the output's last axis.

    """
    if not isinstance(metric, Accuracy):
        return metric
    if output_size == 1:
        return BinaryAccuracy(name=metric.name)
    sparse = isinstance(loss, LABEL_LOSSES)
    return SparseCategoricalAccuracy(name=metric.name) if sparse else CategoricalAccuracy(name=metric.name)
