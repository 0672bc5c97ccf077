"""The loss, the metrics and the callbacks against the target and the network's output."""

from stackyard.spec import metrics
from stackyard.spec.check.faults import Faults
from stackyard.spec.check.inputs import Target
from stackyard.spec.check.report import LayerReport, Shape
from stackyard.spec.check.targets import Kind, Wanted, kind_of, target_misfit, wanted
from stackyard.spec.closed import suggest
from stackyard.spec.job import JobSpec
from stackyard.spec.layers import Dense, Flatten, Layer
from stackyard.spec.losses import Loss
from stackyard.spec.metrics import Metric
from stackyard.spec.pointers import Step
from stackyard.spec.problems import say
from stackyard.spec.training import Training

_LOSS: tuple[Step, ...] = ("training", "loss")

_EACH = (metrics.F1Score, metrics.FBetaScore, metrics.R2Score)
"""These give a number for each output unless an argument says how to make one of them."""

_UNDIRECTED = (metrics.TruePositives, metrics.TrueNegatives, metrics.FalsePositives, metrics.FalseNegatives)
"""Keras does not know whether more or less of these is better."""


def examine_loss(spec: JobSpec, target: Target, layers: tuple[LayerReport, ...] | None, faults: Faults) -> None:
    """Note a loss that does not fit the target, or else an output that fits neither."""
    kind = kind_of(spec.training.loss)
    if misfit := target_misfit(kind, target):
        faults.add(f"{misfit}; the loss is {spec.training.loss.type}", *_LOSS)
        return
    if layers is None:
        return
    output = layers[-1].output_shape
    ask = wanted(kind, target)
    if not ask.fits(output):
        place = _last_units(spec.network.layers)
        faults.add(f"{_output_message(ask, output)}; the loss is {spec.training.loss.type}", *place)
        return
    _examine_axis(spec.training.loss, kind, output, _LOSS, faults)


def _output_message(ask: Wanted, output: Shape) -> str:
    least = "at least " if ask.least_units else ""
    if len(output) > len(ask.shape):
        rows = f"expected rows of {least}{list(ask.shape)} for the {ask.why}, received {list(output)}"
        return f"{rows}: put a Flatten before"
    if len(ask.shape) == 1:
        units = "unit" if ask.shape == (1,) else "units"
        return f"expected {least}{ask.shape[0]} {units} for the {ask.why}, received {output[-1]}"
    return f"expected rows of {least}{list(ask.shape)} for the {ask.why}, received {list(output)}"


def _last_units(layers: tuple[Layer, ...]) -> tuple[Step, ...]:
    """Return where the size of the output is decided."""
    for index in range(len(layers) - 1, -1, -1):
        if isinstance(layers[index], Dense):
            return ("network", "layers", index, "units")
        if isinstance(layers[index], Flatten):
            break
    return ("network", "layers", len(layers) - 1)


def _examine_axis(measure: Loss | Metric, kind: Kind, output: Shape, place: tuple[Step, ...], faults: Faults) -> None:
    axis: int | tuple[int, ...] | None = getattr(measure, "axis", None)
    rank = len(output) + 1
    fit = (rank - 1, -1) if kind is Kind.LABELS else range(-rank, rank)
    for one in (axis,) if isinstance(axis, int) else axis or ():
        if one not in fit:
            allowed = "-1" if kind is Kind.LABELS else f"from {-rank} to {rank - 1}"
            faults.add(
                f"expected an axis {allowed} for outputs of shape {list(output)}, received {one}", *place, "axis"
            )


def examine_metrics(training: Training, target: Target, output: Shape | None, faults: Faults) -> None:
    """Note metrics that cannot be reckoned from the target and the output."""
    for index, metric in enumerate(training.metrics):
        place = ("training", "metrics", index)
        kind = kind_of(metric)
        if misfit := target_misfit(kind, target):
            faults.add(f"{misfit}; the metric is {metric.type}", *place)
        elif output is not None and kind is not Kind.ANY:
            _examine_metric(metric, kind, target, output, place, faults)


def _examine_metric(
    metric: Metric, kind: Kind, target: Target, output: Shape, place: tuple[Step, ...], faults: Faults
) -> None:
    ask = wanted(kind, target)
    if not ask.fits(output):
        message = f"expected a metric that compares outputs of {list(output)} with the {ask.why}"
        faults.add(f"{message}, received {metric.type}: {_other_metric(kind, target)}", *place)
        return
    if isinstance(metric, metrics.F1Score | metrics.FBetaScore) and len(target.shape) != 1:
        message = (
            f'expected a target with a number for each class, as {metric.type} needs: encode the target "one_hot"'
        )
        faults.add(message, *place)
    _examine_number(metric, output, place, faults)
    for name, most in (("class_id", output[-1] - 1), ("top_k", output[-1])):
        value: int | None = getattr(metric, name, None)
        if value is not None and value > most:
            faults.add(f"expected at most {most} for {output[-1]} outputs, received {value}", *place, name)
    _examine_axis(metric, kind, output, place, faults)


def _examine_number(metric: Metric, output: Shape, place: tuple[Step, ...], faults: Faults) -> None:
    """Note a metric that Keras would give as one number for each output: a history has one number an epoch."""
    argument = "class_aggregation" if isinstance(metric, metrics.R2Score) else "average"
    if output[-1] > 1 and isinstance(metric, _EACH) and getattr(metric, argument) is None:
        better = "uniform_average" if isinstance(metric, metrics.R2Score) else "macro"
        faults.add(
            f'expected one number for all {output[-1]} outputs: give {metric.type} an "{argument}" such as "{better}"',
            *place,
            argument,
        )


def _other_metric(kind: Kind, target: Target) -> str:
    if kind is not Kind.LABELS and target.kind == "labels":
        return 'for labels take "accuracy" or one whose name starts with "Sparse"'
    return "leave it out, or change the last layer"


def history_names(training: Training, *, validated: bool) -> tuple[str, ...]:
    """Return the columns that Keras's history will have."""
    names = ("loss", *(metric.name for metric in training.metrics))
    return (*names, *(f"val_{name}" for name in names)) if validated else names


def examine_names(training: Training, *, validated: bool, faults: Faults) -> None:
    """Note metrics whose names clash, and callbacks that wait for what no metric gives."""
    taken = {"loss", "val_loss"}
    for index, metric in enumerate(training.metrics):
        names = {metric.name, f"val_{metric.name}"}
        if names & taken:
            message = f"expected names that differ in the history, received {say(metric.name)} again"
            faults.add(f'{message}: give this metric another "name"', "training", "metrics", index)
        taken |= names
    for index in range(len(training.callbacks)):
        _examine_monitor(training, index, validated=validated, faults=faults)


def _examine_monitor(training: Training, index: int, *, validated: bool, faults: Faults) -> None:
    callback = training.callbacks[index]
    names = history_names(training, validated=validated)
    place = ("training", "callbacks", index)
    if callback.monitor not in names:
        message = f"expected one of {', '.join(names)}; received {say(callback.monitor)}"
        lacks = callback.monitor in history_names(training, validated=True)
        fix = ", for which data.split.validation is needed" if lacks else suggest(callback.monitor, names)
        faults.add(f"{message}{fix}", *place, "monitor")
        return
    measured = callback.monitor.removeprefix("val_")
    undirected = any(metric.name == measured and isinstance(metric, _UNDIRECTED) for metric in training.metrics)
    if callback.mode == "auto" and undirected:
        better = f"Keras does not know whether more or less of {say(callback.monitor)} is better"
        faults.add(f'expected the mode "min" or "max", as {better}; received "auto"', *place, "mode")
