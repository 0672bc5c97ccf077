"""Warnings about metrics whose numbers mean nothing for the outputs that they get."""

from collections.abc import Iterator

from stackyard.spec.check.likely_mistakes.likely_mistake import LikelyMistake
from stackyard.spec.check.report import Shape
from stackyard.spec.job import JobSpec
from stackyard.spec.training import losses, metrics
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Metric

_THRESHOLD_METRICS = (
    metrics.Precision,
    metrics.Recall,
    metrics.TruePositives,
    metrics.TrueNegatives,
    metrics.FalsePositives,
    metrics.FalseNegatives,
)
_PROBABILITY_METRICS = (
    metrics.PrecisionAtRecall,
    metrics.RecallAtPrecision,
    metrics.SensitivityAtSpecificity,
    metrics.SpecificityAtSensitivity,
    metrics.KLDivergence,
)
"""Metrics that read outputs as probabilities and have no argument for others."""
_CORRELATIONS = (
    metrics.PearsonCorrelation,
    metrics.ConcordanceCorrelation,
    metrics.CosineSimilarity,
    losses.CosineSimilarity,
)


def find_metric_advice(spec: JobSpec, activation: str | None, output: Shape) -> Iterator[LikelyMistake]:
    """Yield a warning for each metric, or loss, without meaning.

    Args:
        spec: A valid spec.
        activation: The activation of the outputs; None for a layer without one.
        output: The shape of one output row.

    """
    training = spec.training
    parts: list[tuple[Loss | Metric, tuple[str | int, ...]]] = [(training.loss, ("training", "loss"))]
    parts += [(metric, ("training", "metrics", index)) for index, metric in enumerate(training.metrics)]
    are_logits = activation in (None, "linear") and bool(getattr(training.loss, "from_logits", False))
    for part, path in parts:
        if isinstance(part, _CORRELATIONS) and output[-1] == 1 and part.axis in (-1, len(output)):
            message = f"{part.type} along the last axis compares one output of a row, so it is always -1, 0 or 1"
            yield "correlation_of_one_output", path, message, _suggest_correlation(part)
        if are_logits and part is not training.loss and (fix := _find_logit_fix(part, output)):
            message = f"{part.type} expects probabilities, but the outputs are logits: they have any size"
            yield "metric_over_logits", path, message, fix
        if isinstance(part, metrics.AXIS_METRICS) and output[-1] == 1 and part.threshold is None:
            message = f"{part.type} of one output without a threshold takes every row as positive"
            yield "score_without_threshold", path, message, 'give it a "threshold" such as 0.5'


def _suggest_correlation(part: Loss | Metric) -> str:
    if isinstance(part, losses.CosineSimilarity):
        return 'take "mse" or "mae"'
    return 'take "r2_score", or "axis": 0, which compares the rows of each batch'


def _find_logit_fix(metric: Loss | Metric, output: Shape) -> str | None:
    """Return the fix for a metric that does not read logits, or None for one that does."""
    end = f'end with the activation "{"sigmoid" if output[-1] == 1 else "softmax"}" and leave out from_logits'
    if isinstance(metric, metrics.Accuracy):
        return _suggest_zero_threshold("BinaryAccuracy", "threshold") if output[-1] == 1 else None
    if isinstance(metric, metrics.BinaryAccuracy):
        return _suggest_zero_threshold(metric.type, "threshold") if metric.threshold > 0 else None
    if isinstance(metric, _THRESHOLD_METRICS):
        return _suggest_zero_threshold(metric.type, "thresholds") if metric.thresholds != 0 else None
    if isinstance(metric, _PROBABILITY_METRICS):
        return end
    if isinstance(metric, metrics.AXIS_METRICS):
        return None if metric.threshold is None else end
    return None if getattr(metric, "from_logits", True) else 'set "from_logits": true'


def _suggest_zero_threshold(name: str, argument: str) -> str:
    return f'take {{"type": "{name}", "{argument}": 0}}'
