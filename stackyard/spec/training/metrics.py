"""Keras's metrics of regression and classification, with every argument but `dtype`."""

from typing import Annotated, Any, Literal

from pydantic import Field

from stackyard.spec.base import Count, Index, Items, Name, NonNegative, Part, Positive, Share
from stackyard.spec.tagged_union import ONE_OR_MANY, Closed
from stackyard.spec.training.losses import LABEL_LOSSES, Loss

Thresholds = Annotated[Items[Share], Field(min_length=1, max_length=10_000)]
OneOrMoreThresholds = Annotated[Share | Thresholds, ONE_OR_MANY]
ThresholdCount = Annotated[int, Field(ge=1, le=10_000)]


class MetricBase(Part):
    """What every metric has: the `name` of its column in the history."""

    type: Any  # each subclass narrows it; here so that it comes first
    name: Name


class Accuracy(MetricBase):
    """How often the output is right: binary, categorical or sparse, as Keras resolves its string `accuracy`."""

    type: Literal["Accuracy"] = "Accuracy"
    name: Name = "accuracy"


class BinaryAccuracy(MetricBase):
    """How often a yes or no is right."""

    type: Literal["BinaryAccuracy"] = "BinaryAccuracy"
    name: Name = "binary_accuracy"
    threshold: Share = 0.5


class CategoricalAccuracy(MetricBase):
    """How often the most likely class is the one-hot target's."""

    type: Literal["CategoricalAccuracy"] = "CategoricalAccuracy"
    name: Name = "categorical_accuracy"


class SparseCategoricalAccuracy(MetricBase):
    """How often the most likely class is the label."""

    type: Literal["SparseCategoricalAccuracy"] = "SparseCategoricalAccuracy"
    name: Name = "sparse_categorical_accuracy"


class TopKCategoricalAccuracy(MetricBase):
    """How often the one-hot target's class is among the `k` most likely."""

    type: Literal["TopKCategoricalAccuracy"] = "TopKCategoricalAccuracy"
    name: Name = "top_k_categorical_accuracy"
    k: Count = 5


class SparseTopKCategoricalAccuracy(MetricBase):
    """How often the label is among the `k` most likely."""

    type: Literal["SparseTopKCategoricalAccuracy"] = "SparseTopKCategoricalAccuracy"
    name: Name = "sparse_top_k_categorical_accuracy"
    k: Count = 5
    from_sorted_ids: bool = False


class AUC(MetricBase):
    """The area under a curve of rates."""

    type: Literal["AUC"] = "AUC"
    name: Name = "auc"
    num_thresholds: Annotated[int, Field(ge=2, le=10_000)] = 200
    curve: Literal["ROC", "PR", "PRGAIN"] = "ROC"
    summation_method: Literal["interpolation", "minoring", "majoring"] = "interpolation"
    thresholds: Thresholds | None = None
    multi_label: bool = False
    num_labels: Count | None = None
    label_weights: Annotated[Items[NonNegative], Field(min_length=1)] | None = None
    from_logits: bool = False


class Precision(MetricBase):
    """The share of what was found that is right."""

    type: Literal["Precision"] = "Precision"
    name: Name = "precision"
    thresholds: OneOrMoreThresholds | None = None
    top_k: Count | None = None
    class_id: Index | None = None


class Recall(MetricBase):
    """The share of what is right that was found."""

    type: Literal["Recall"] = "Recall"
    name: Name = "recall"
    thresholds: OneOrMoreThresholds | None = None
    top_k: Count | None = None
    class_id: Index | None = None


class PrecisionAtRecall(MetricBase):
    """The best precision with at least this recall."""

    type: Literal["PrecisionAtRecall"] = "PrecisionAtRecall"
    name: Name = "precision_at_recall"
    recall: Share
    num_thresholds: ThresholdCount = 200
    class_id: Index | None = None


class RecallAtPrecision(MetricBase):
    """The best recall with at least this precision."""

    type: Literal["RecallAtPrecision"] = "RecallAtPrecision"
    name: Name = "recall_at_precision"
    precision: Share
    num_thresholds: ThresholdCount = 200
    class_id: Index | None = None


class SensitivityAtSpecificity(MetricBase):
    """The best sensitivity with at least this specificity."""

    type: Literal["SensitivityAtSpecificity"] = "SensitivityAtSpecificity"
    name: Name = "sensitivity_at_specificity"
    specificity: Share
    num_thresholds: ThresholdCount = 200
    class_id: Index | None = None


class SpecificityAtSensitivity(MetricBase):
    """The best specificity with at least this sensitivity."""

    type: Literal["SpecificityAtSensitivity"] = "SpecificityAtSensitivity"
    name: Name = "specificity_at_sensitivity"
    sensitivity: Share
    num_thresholds: ThresholdCount = 200
    class_id: Index | None = None


class TruePositives(MetricBase):
    """How many were rightly found."""

    type: Literal["TruePositives"] = "TruePositives"
    name: Name = "true_positives"
    thresholds: OneOrMoreThresholds | None = None


class TrueNegatives(MetricBase):
    """How many were rightly left."""

    type: Literal["TrueNegatives"] = "TrueNegatives"
    name: Name = "true_negatives"
    thresholds: OneOrMoreThresholds | None = None


class FalsePositives(MetricBase):
    """How many were wrongly found."""

    type: Literal["FalsePositives"] = "FalsePositives"
    name: Name = "false_positives"
    thresholds: OneOrMoreThresholds | None = None


class FalseNegatives(MetricBase):
    """How many were wrongly left."""

    type: Literal["FalseNegatives"] = "FalseNegatives"
    name: Name = "false_negatives"
    thresholds: OneOrMoreThresholds | None = None


class F1Score(MetricBase):
    """The harmonic mean of precision and recall, of each class unless `average` says otherwise."""

    type: Literal["F1Score"] = "F1Score"
    name: Name = "f1_score"
    average: Literal["micro", "macro", "weighted"] | None = None
    threshold: Annotated[float, Field(gt=0, le=1)] | None = None


class FBetaScore(MetricBase):
    """As F1Score, with recall weighing `beta` times as much."""

    type: Literal["FBetaScore"] = "FBetaScore"
    name: Name = "fbeta_score"
    average: Literal["micro", "macro", "weighted"] | None = None
    beta: Positive = 1.0
    threshold: Annotated[float, Field(gt=0, le=1)] | None = None


class BinaryCrossentropy(MetricBase):
    """Crossentropy of yes-or-no targets."""

    type: Literal["BinaryCrossentropy"] = "BinaryCrossentropy"
    name: Name = "binary_crossentropy"
    from_logits: bool = False
    label_smoothing: Share = 0.0


class CategoricalCrossentropy(MetricBase):
    """Crossentropy of one-hot targets."""

    type: Literal["CategoricalCrossentropy"] = "CategoricalCrossentropy"
    name: Name = "categorical_crossentropy"
    from_logits: bool = False
    label_smoothing: Share = 0.0
    axis: int = -1


class SparseCategoricalCrossentropy(MetricBase):
    """Crossentropy of labels."""

    type: Literal["SparseCategoricalCrossentropy"] = "SparseCategoricalCrossentropy"
    name: Name = "sparse_categorical_crossentropy"
    from_logits: bool = False
    ignore_class: int | None = None
    axis: int = -1


class KLDivergence(MetricBase):
    """Kullback and Leibler's divergence."""

    type: Literal["KLDivergence"] = "KLDivergence"
    name: Name = "kl_divergence"


class Poisson(MetricBase):
    """Poisson's loss."""

    type: Literal["Poisson"] = "Poisson"
    name: Name = "poisson"


class Hinge(MetricBase):
    """Hinge."""

    type: Literal["Hinge"] = "Hinge"
    name: Name = "hinge"


class SquaredHinge(MetricBase):
    """Squared hinge."""

    type: Literal["SquaredHinge"] = "SquaredHinge"
    name: Name = "squared_hinge"


class CategoricalHinge(MetricBase):
    """Categorical hinge."""

    type: Literal["CategoricalHinge"] = "CategoricalHinge"
    name: Name = "categorical_hinge"


class MeanSquaredError(MetricBase):
    """Mean of squared errors."""

    type: Literal["MeanSquaredError"] = "MeanSquaredError"
    name: Name = "mean_squared_error"


class RootMeanSquaredError(MetricBase):
    """Root of the mean of squared errors."""

    type: Literal["RootMeanSquaredError"] = "RootMeanSquaredError"
    name: Name = "root_mean_squared_error"


class MeanAbsoluteError(MetricBase):
    """Mean of absolute errors."""

    type: Literal["MeanAbsoluteError"] = "MeanAbsoluteError"
    name: Name = "mean_absolute_error"


class MeanAbsolutePercentageError(MetricBase):
    """Mean of absolute errors in percent of the target."""

    type: Literal["MeanAbsolutePercentageError"] = "MeanAbsolutePercentageError"
    name: Name = "mean_absolute_percentage_error"


class MeanSquaredLogarithmicError(MetricBase):
    """Mean of squared errors of logarithms."""

    type: Literal["MeanSquaredLogarithmicError"] = "MeanSquaredLogarithmicError"
    name: Name = "mean_squared_logarithmic_error"


class LogCoshError(MetricBase):
    """Logarithm of the hyperbolic cosine of errors."""

    type: Literal["LogCoshError"] = "LogCoshError"
    name: Name = "logcosh"


class CosineSimilarity(MetricBase):
    """The cosine between target and output."""

    type: Literal["CosineSimilarity"] = "CosineSimilarity"
    name: Name = "cosine_similarity"
    axis: int = -1


class R2Score(MetricBase):
    """The share of the target's variance that is explained."""

    type: Literal["R2Score"] = "R2Score"
    name: Name = "r2_score"
    class_aggregation: Literal["uniform_average", "variance_weighted_average"] | None = "uniform_average"
    num_regressors: Index = 0


class PearsonCorrelation(MetricBase):
    """Pearson's correlation along `axis`."""

    type: Literal["PearsonCorrelation"] = "PearsonCorrelation"
    name: Name = "pearson_correlation"
    axis: int = -1


class ConcordanceCorrelation(MetricBase):
    """The concordance correlation along `axis`."""

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
    Closed(
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
        named=True,
    ),
]
"""Not offered: Mean, Sum and MeanMetricWrapper, which measure no prediction; the IoU ones, for segmentation; and the
exact equality that Keras has as a class `Accuracy`, a name that here means what Keras's string does.
"""


def resolved(metric: Metric, loss: Loss, outputs: int) -> Metric:
    """Return the metric that Keras's string `accuracy` means, with the name it has; any other metric as it is.

    Keras resolves it at the first batch, by the shapes there; `outputs` is the size of the last axis.
    """
    if not isinstance(metric, Accuracy):
        return metric
    if outputs == 1:
        return BinaryAccuracy(name=metric.name)
    sparse = isinstance(loss, LABEL_LOSSES)
    return SparseCategoricalAccuracy(name=metric.name) if sparse else CategoricalAccuracy(name=metric.name)
