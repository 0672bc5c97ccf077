"""Give a target of single numbers the axis of size 1 that some of Keras's metrics need."""

from collections.abc import Iterable
from dataclasses import replace

from stackyard.spec.training.metrics import AXIS_METRICS, Metric
from worker.preparation import PreparedData
from worker.preparation.arrays import Array


def shape_targets(y: Array, metrics: Iterable[Metric]) -> Array:
    """Return targets of shape (rows, 1) in place of (rows,) if a metric needs it; the result shares their memory."""
    needs_axis = y.ndim == 1 and any(isinstance(metric, AXIS_METRICS) for metric in metrics)
    return y[:, None] if needs_axis else y


def shape_data_targets(data: PreparedData, metrics: Iterable[Metric]) -> PreparedData:
    """Return the data with the targets of training and validation shaped by `shape_targets`."""
    validation = None if data.y_validation is None else shape_targets(data.y_validation, metrics)
    return replace(data, y_train=shape_targets(data.y_train, metrics), y_validation=validation)
