"""The loss and the metrics against the target and the network's output."""

from stackyard.spec.check.callbacks import RATE, sets_rate
from stackyard.spec.check.data.inputs import Target
from stackyard.spec.check.data.targets import Kind, Wanted, kind_of, target_misfit, wanted
from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.check.report import LayerReport, Shape
from stackyard.spec.job import JobSpec
from stackyard.spec.layers import Dense, Flatten, Layer
from stackyard.spec.reading.faults import say
from stackyard.spec.reading.json_pointers import Step
from stackyard.spec.training import metrics
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Metric
from stackyard.spec.training.training import Training

_LOSS: tuple[Step, ...] = ("training", "loss")

_EACH = (metrics.F1Score, metrics.FBetaScore, metrics.R2Score)
"""These give a number for each output unless an argument says how to make one of them."""


def examine_loss(spec: JobSpec, target: Target, layers: tuple[LayerReport, ...] | None, faults: Faults) -> None:
    """Note a loss that does not fit the target, or else an output that fits neither."""
    kind = kind_of(spec.training.loss)
    if misfit := target_misfit(kind, target):
        faults.add(f"{misfit.message}; the loss is {spec.training.loss.type}", *_LOSS, fix=misfit.fix)
        return
    if layers is None:
        return
    output = layers[-1].output_shape
    ask = wanted(kind, target)
    if not ask.fits(output):
        place = _last_units(spec.network.layers)
        message = f"{_output_message(ask, output)}; the loss is {spec.training.loss.type}"
        faults.add(message, *place, fix=_output_fix(ask, target, output, place))
        return
    _examine_axis(spec.training.loss, kind, output, _LOSS, faults)


def _output_message(ask: Wanted, output: Shape) -> str:
    least = "at least " if ask.least_units else ""
    if len(ask.shape) == 1 and len(output) == 1:
        units = "unit" if ask.shape == (1,) else "units"
        return f"expected {least}{ask.shape[0]} {units} for the {ask.why}, received {output[-1]}"
    return f"expected rows of {least}{list(ask.shape)} for the {ask.why}, received {list(output)}"


def _output_fix(ask: Wanted, target: Target, output: Shape, place: tuple[Step, ...]) -> str | None:
    if len(output) > len(ask.shape):
        return "put a Flatten before it"
    if ask.shape == (1,) and target.kind == "labels" and target.classes == output[-1]:
        return 'for a class each take the loss "sparse_categorical_crossentropy"'
    if len(ask.shape) == 1 and place[-1] == "units":
        return f"set units to {ask.shape[0]}"
    return f"end with a Dense of {ask.shape[0]} units" if len(ask.shape) == 1 else None


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
            faults.add(f"{misfit.message}; the metric is {metric.type}", *place, fix=misfit.fix)
        elif output is not None and kind is not Kind.ANY:
            _examine_metric(metric, kind, target, output, place, faults)


def _examine_metric(
    metric: Metric, kind: Kind, target: Target, output: Shape, place: tuple[Step, ...], faults: Faults
) -> None:
    ask = wanted(kind, target)
    if not ask.fits(output):
        message = f"expected a metric that compares outputs of {list(output)} with the {ask.why}"
        faults.add(f"{message}, received {metric.type}", *place, fix=_other_metric(kind, target))
        return
    if isinstance(metric, metrics.F1Score | metrics.FBetaScore) and len(target.shape) != 1:
        message = f"expected a target with a number for each class, as {metric.type} needs"
        faults.add(message, *place, fix='encode the target "one_hot"')
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
        message = f"expected one number for all {output[-1]} outputs from {metric.type}"
        faults.add(message, *place, argument, fix=f'give it an "{argument}" such as "{better}"')


def _other_metric(kind: Kind, target: Target) -> str:
    if kind is not Kind.LABELS and target.kind == "labels":
        return 'for labels take "accuracy" or one whose name starts with "Sparse"'
    return "leave it out, or change the last layer"


def examine_names(training: Training, faults: Faults) -> None:
    """Note metrics whose columns in the history clash."""
    taken = {"loss", "val_loss", *((RATE,) if sets_rate(training.callbacks) else ())}
    for index, metric in enumerate(training.metrics):
        names = {metric.name, f"val_{metric.name}"}
        if names & taken:
            message = f"expected names that differ in the history, received {say(metric.name)} again"
            faults.add(message, "training", "metrics", index, fix='give this metric another "name"')
        taken |= names
