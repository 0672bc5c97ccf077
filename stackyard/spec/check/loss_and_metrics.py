"""Check the loss and the metrics against the target and the network's output."""

from stackyard.spec.check.callbacks import LEARNING_RATE_COLUMN, sets_learning_rate
from stackyard.spec.check.data.resolved_data import Target
from stackyard.spec.check.data.targets import (
    ExpectedOutput,
    TargetFormat,
    find_target_fault,
    get_target_format,
    infer_expected_output,
)
from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.check.report import LayerReport, Shape
from stackyard.spec.job import JobSpec
from stackyard.spec.layers import Dense, Flatten, Layer
from stackyard.spec.reading.faults import format_value
from stackyard.spec.reading.json_pointers import PathSegment
from stackyard.spec.training import metrics
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Metric
from stackyard.spec.training.training import Training

_LOSS_PATH: tuple[PathSegment, ...] = ("training", "loss")

_PER_THRESHOLD_METRICS = (
    metrics.Precision,
    metrics.Recall,
    metrics.TruePositives,
    metrics.TrueNegatives,
    metrics.FalsePositives,
    metrics.FalseNegatives,
)
"""Metrics that return a number for each of their thresholds."""
_PER_OUTPUT_METRICS = (metrics.F1Score, metrics.FBetaScore, metrics.R2Score)
"""Metrics that return a number for each output unless an argument says how to combine them."""
_SET_UNITS = "set units to"


def check_loss(spec: JobSpec, target: Target, layers: tuple[LayerReport, ...] | None, faults: FaultCollector) -> None:
    """Add a fault where the loss does not fit the target, or else where the output does not fit both."""
    loss = spec.training.loss
    target_format = get_target_format(loss)
    if fault := find_target_fault(target_format, target):
        faults.add(f"{fault.message}; the loss is {loss.type}", *_LOSS_PATH, fix=fault.fix)
        return
    if layers is None:
        return
    output = layers[-1].output_shape
    expected = infer_expected_output(target_format, target)
    if not expected.accepts(output):
        path = _locate_output_size(spec.network.layers)
        message = f"{_format_output_message(expected, output)}; the loss is {loss.type}"
        fix = _suggest_output_fix(expected, target, output, path)
        units = expected.shape[0] if fix is not None and fix.startswith(_SET_UNITS) else None
        faults.add(message, *path, fix=fix, corrected=units)
        return
    _check_axis(loss, target_format, output, _LOSS_PATH, faults)


def _format_output_message(expected: ExpectedOutput, output: Shape) -> str:
    at_least = "at least " if expected.allows_more_units else ""
    if len(expected.shape) == 1 and len(output) == 1:
        units = "unit" if expected.shape == (1,) else "units"
        return f"expected {at_least}{expected.shape[0]} {units} for the {expected.purpose}, received {output[-1]}"
    return f"expected rows of {at_least}{list(expected.shape)} for the {expected.purpose}, received {list(output)}"


def _suggest_output_fix(
    expected: ExpectedOutput, target: Target, output: Shape, path: tuple[PathSegment, ...]
) -> str | None:
    if len(output) > len(expected.shape):
        return "put a Flatten before it"
    if expected.shape == (1,) and target.kind == "labels" and target.class_count == output[-1]:
        return 'for one output per class use the loss "sparse_categorical_crossentropy"'
    if len(expected.shape) == 1 and path[-1] == "units":
        return f"{_SET_UNITS} {expected.shape[0]}"
    return f"end with a Dense of {expected.shape[0]} units" if len(expected.shape) == 1 else None


def _locate_output_size(layers: tuple[Layer, ...]) -> tuple[PathSegment, ...]:
    """Return the path of the argument, or else of the layer, that sets the size of the output."""
    for index in range(len(layers) - 1, -1, -1):
        if isinstance(layers[index], Dense):
            return ("network", "layers", index, "units")
        if isinstance(layers[index], Flatten):
            break
    return ("network", "layers", len(layers) - 1)


def _check_axis(
    loss_or_metric: Loss | Metric,
    target_format: TargetFormat,
    output: Shape,
    path: tuple[PathSegment, ...],
    faults: FaultCollector,
) -> None:
    axes: int | tuple[int, ...] | None = getattr(loss_or_metric, "axis", None)
    rank = len(output) + 1
    is_labels = target_format is TargetFormat.LABELS
    valid_axes = (rank - 1, -1) if is_labels else range(-rank, rank)
    for axis in (axes,) if isinstance(axes, int) else axes or ():
        if axis not in valid_axes:
            expected = "-1" if is_labels else f"from {-rank} to {rank - 1}"
            message = f"expected an axis {expected} for outputs of shape {list(output)}, received {axis}"
            faults.add(message, *path, "axis")


def check_metrics(training: Training, target: Target, output: Shape | None, faults: FaultCollector) -> None:
    """Add a fault for each metric that cannot be computed from the target and the output."""
    for index, metric in enumerate(training.metrics):
        path = ("training", "metrics", index)
        target_format = get_target_format(metric)
        _check_thresholds(metric, path, faults)
        if fault := find_target_fault(target_format, target):
            faults.add(f"{fault.message}; the metric is {metric.type}", *path, fix=fault.fix)
        elif output is not None and target_format is not TargetFormat.ANY:
            _check_metric(metric, target_format, target, output, path, faults)


def _check_metric(
    metric: Metric,
    target_format: TargetFormat,
    target: Target,
    output: Shape,
    path: tuple[PathSegment, ...],
    faults: FaultCollector,
) -> None:
    expected = infer_expected_output(target_format, target)
    if not expected.accepts(output):
        message = f"expected a metric that compares outputs of {list(output)} with the {expected.purpose}"
        faults.add(f"{message}, received {metric.type}", *path, fix=_suggest_metric_fix(target_format, target))
        return
    if isinstance(metric, metrics.AXIS_METRICS) and len(target.shape) > 1:
        message = f"expected a target of one axis, as {metric.type} needs; received rows of {list(target.shape)}"
        faults.add(message, *path, fix="leave it out")
    _check_single_value(metric, output, path, faults)
    if isinstance(metric, metrics.AUC):
        _check_labels(metric, output, path, faults)
    for name, maximum in (("class_id", output[-1] - 1), ("top_k", output[-1])):
        value: int | None = getattr(metric, name, None)
        if value is not None and value > maximum:
            faults.add(f"expected at most {maximum} for {output[-1]} outputs, received {value}", *path, name)
    _check_axis(metric, target_format, output, path, faults)


def _check_thresholds(metric: Metric, path: tuple[PathSegment, ...], faults: FaultCollector) -> None:
    """Add a fault for a metric with a number for each of several thresholds."""
    if isinstance(metric, _PER_THRESHOLD_METRICS) and isinstance(metric.thresholds, tuple):
        count = len(metric.thresholds)
        if count > 1:
            message = f"expected one threshold, as the history has one number for each epoch; received {count}"
            fix = 'list the metric once for each threshold, each with its own "name"'
            faults.add(message, *path, "thresholds", fix=fix)


def _check_labels(metric: metrics.AUC, output: Shape, path: tuple[PathSegment, ...], faults: FaultCollector) -> None:
    """Add a fault where the arguments for several labels do not fit the outputs; Keras raises an error then."""
    if not metric.multi_label:
        if metric.num_labels is not None:
            faults.add('expected no num_labels without "multi_label": true', *path, "num_labels")
        return
    weight_count = None if metric.label_weights is None else len(metric.label_weights)
    for name, count in (("num_labels", metric.num_labels), ("label_weights", weight_count)):
        if count is not None and count != output[-1]:
            message = f"expected {output[-1]} labels for {output[-1]} outputs, received {count}"
            fix = f"set num_labels to {output[-1]}" if name == "num_labels" else f"list {output[-1]} weights"
            faults.add(message, *path, name, fix=fix)


def _check_single_value(metric: Metric, output: Shape, path: tuple[PathSegment, ...], faults: FaultCollector) -> None:
    """Add a fault for a metric with a number for each output: the history has one number for each epoch."""
    argument = "class_aggregation" if isinstance(metric, metrics.R2Score) else "average"
    if output[-1] > 1 and isinstance(metric, _PER_OUTPUT_METRICS) and getattr(metric, argument) is None:
        example = "uniform_average" if isinstance(metric, metrics.R2Score) else "macro"
        message = f"expected one number for all {output[-1]} outputs from {metric.type}"
        faults.add(message, *path, argument, fix=f'give it an "{argument}" such as "{example}"')


def _suggest_metric_fix(target_format: TargetFormat, target: Target) -> str:
    if target_format is not TargetFormat.LABELS and target.kind == "labels":
        return 'for labels take "accuracy" or one whose name starts with "Sparse"'
    return "leave it out, or change the last layer"


def check_metric_names(training: Training, faults: FaultCollector) -> None:
    """Add a fault for each metric whose columns in the history are already taken."""
    taken = {"loss", "val_loss", *((LEARNING_RATE_COLUMN,) if sets_learning_rate(training.callbacks) else ())}
    for index, metric in enumerate(training.metrics):
        names = {metric.name, f"val_{metric.name}"}
        if names & taken:
            message = f"expected names that differ in the history, received {format_value(metric.name)} again"
            faults.add(message, "training", "metrics", index, fix='give this metric another "name"')
        taken |= names
