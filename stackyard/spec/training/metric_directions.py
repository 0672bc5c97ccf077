"""Whether more or less of a metric is better: its class decides, and never its name.

The loss is always to be minimized, and so is every column of the history that is not listed here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from stackyard.spec.training import metrics
from stackyard.spec.training.callbacks import Callback, EarlyStopping, ReduceLROnPlateau
from stackyard.spec.training.training import Training

MAXIMIZED_METRICS: tuple[type[metrics.MetricBase], ...] = (
    metrics.Accuracy,
    metrics.BinaryAccuracy,
    metrics.CategoricalAccuracy,
    metrics.SparseCategoricalAccuracy,
    metrics.TopKCategoricalAccuracy,
    metrics.SparseTopKCategoricalAccuracy,
    metrics.AUC,
    metrics.Precision,
    metrics.Recall,
    metrics.PrecisionAtRecall,
    metrics.RecallAtPrecision,
    metrics.SensitivityAtSpecificity,
    metrics.SpecificityAtSensitivity,
    metrics.TruePositives,
    metrics.TrueNegatives,
    metrics.F1Score,
    metrics.FBetaScore,
    metrics.CosineSimilarity,
    metrics.R2Score,
    metrics.PearsonCorrelation,
    metrics.ConcordanceCorrelation,
)
"""Metrics of which more is better; of every other metric, less is better."""

METRICS_WITHOUT_DIRECTION_IN_KERAS = (
    metrics.TruePositives,
    metrics.TrueNegatives,
    metrics.FalsePositives,
    metrics.FalseNegatives,
)
"""Metrics for which a callback of Keras with the mode "auto" raises an error."""

_MAXIMIZED_TYPES = frozenset(metric.__name__ for metric in MAXIMIZED_METRICS)


def list_maximized_columns(training: Training) -> frozenset[str]:
    """Return the columns of the history of which more is better."""
    return _list_columns((metric.type, metric.name) for metric in training.metrics)


def list_maximized_columns_of_documents(documents: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the same for the metrics of a stored spec, which is JSON with every default filled in."""
    return _list_columns((metric["type"], metric["name"]) for metric in documents)


def _list_columns(types_and_names: Iterable[tuple[str, str]]) -> frozenset[str]:
    names = [name for metric_type, name in types_and_names if metric_type in _MAXIMIZED_TYPES]
    return frozenset([*names, *(f"val_{name}" for name in names)])


def resolve_modes(training: Training) -> tuple[Callback, ...]:
    """Return the callbacks, with the mode of each that monitors a metric without a direction in Keras."""
    return tuple(_resolve_mode(callback, training) for callback in training.callbacks)


def _resolve_mode(callback: Callback, training: Training) -> Callback:
    if not isinstance(callback, EarlyStopping | ReduceLROnPlateau) or callback.mode != "auto":
        return callback
    monitored = callback.monitor.removeprefix("val_")
    for metric in training.metrics:
        if metric.name == monitored and isinstance(metric, METRICS_WITHOUT_DIRECTION_IN_KERAS):
            mode = "max" if isinstance(metric, MAXIMIZED_METRICS) else "min"
            return callback.model_copy(update={"mode": mode})
    return callback
