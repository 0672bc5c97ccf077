"""Estimate the memory by which a training lets a worker's process grow.

The factors are measured: `make bench ARGS=estimates` compares them with the growth of a fresh process for thirty
networks. Python's integers do not overflow.
"""

import math
from collections.abc import Mapping, Sequence

from stackyard.spec.check.data.resolved_data import ResolvedData
from stackyard.spec.check.memory.layers import measure_layers
from stackyard.spec.check.report import LayerReport, Memory, Shape, Totals
from stackyard.spec.job import JobSpec
from stackyard.spec.training import metrics
from stackyard.spec.training.metrics import Metric
from stackyard.spec.training.optimizers import SGD, Adam, Optimizer, RMSprop
from stackyard.spec.training.training import Training

_FLOAT32_BYTES = 4
_PROGRAM_BYTES = 24 * 2**20
"""Of any training: code that Keras and TensorFlow load with the first one, and the loops around the steps."""
_LAYER_GRAPH_BYTES = 2 * 2**20
"""Of a layer with its gradient in all graphs, and of its copy in a graph for each unrolled step."""
_UNROLLED_STEP_BYTES = 2**20

_OPTIMIZER_SLOTS: Mapping[str, int] = {
    "Adamax": 2,
    "Nadam": 2,
    "Adadelta": 2,
    "Adagrad": 1,
    "Adafactor": 1,
    "Ftrl": 2,
    "Lamb": 2,
    "Lion": 1,
    "Muon": 2,
    "ScheduleFreeAdamW": 2,
}
"""Largest number of variables per parameter of each optimizer whose arguments do not change it."""

_INTERMEDIATE_RESULTS: Mapping[str, int] = {
    "SGD": 1,
    "Adam": 2,
    "AdamW": 2,
    "Adafactor": 2,
    "Adadelta": 12,
    "Muon": 12,
}
"""Number of values per parameter that an optimizer computes on the way to its step, at the same time."""
_USUAL_INTERMEDIATE_RESULTS = 6
_THRESHOLD_VARIABLES = 4
_COMPARISON_BYTES = 16
"""Of a comparison of an output with a threshold: both values, and the results for true and false positives."""


def estimate_memory(
    spec: JobSpec, data: ResolvedData, input_shape: Shape, layers: tuple[LayerReport, ...], totals: Totals
) -> Memory:
    """Return an estimate of the memory that the training holds at once, without the dataset."""
    training = spec.training
    batch_size = training.batch_size if data.max_train_rows is None else min(training.batch_size, data.max_train_rows)
    slots, trained = _count_slots(training.optimizer), totals.trainable_parameters
    measured = measure_layers(spec.network.layers, input_shape, layers, batch_size)
    sizes = {
        "weights_bytes": _FLOAT32_BYTES * totals.parameters,
        "gradients_bytes": _FLOAT32_BYTES * trained,
        "optimizer_bytes": _FLOAT32_BYTES * trained * slots,
        "copies_bytes": _FLOAT32_BYTES * _count_copied_values(training, totals),
        "activations_bytes": _FLOAT32_BYTES
        * (batch_size * (math.prod(input_shape) + measured.row_values) + measured.workspace_values),
        "penalties_bytes": _FLOAT32_BYTES * measured.penalty_values,
        "metrics_bytes": sum(
            _measure_metric(metric, layers[-1].output_shape, batch_size) for metric in training.metrics
        ),
        "graph_bytes": _PROGRAM_BYTES
        + _LAYER_GRAPH_BYTES * len(layers)
        + _UNROLLED_STEP_BYTES * measured.unrolled_steps,
    }
    return Memory(**sizes, total_bytes=sum(sizes.values()))


def _count_copied_values(training: Training, totals: Totals) -> int:
    best_weights = sum(getattr(callback, "restore_best_weights", False) for callback in training.callbacks)
    changed = _count_slots(training.optimizer) + _count_results(training.optimizer)
    return totals.parameters * (1 + best_weights) + totals.trainable_parameters * changed


def _count_slots(optimizer: Optimizer) -> int:
    averages = optimizer.use_ema + (optimizer.gradient_accumulation_steps is not None)
    match optimizer:
        case SGD():
            return averages + (optimizer.momentum > 0)
        case RMSprop():
            return averages + 1 + (optimizer.momentum > 0) + optimizer.centered
        case Adam():
            return averages + 2 + optimizer.amsgrad
        case _:
            return averages + _OPTIMIZER_SLOTS[optimizer.type]


def _count_results(optimizer: Optimizer) -> int:
    clips = (optimizer.clipnorm, optimizer.clipvalue, optimizer.global_clipnorm)
    return _INTERMEDIATE_RESULTS.get(optimizer.type, _USUAL_INTERMEDIATE_RESULTS) + any(
        clip is not None for clip in clips
    )


def _measure_metric(metric: Metric, output: Shape, batch_size: int) -> int:
    """Return the bytes of a metric's variables, and of its comparisons with a list of thresholds."""
    listed: Sequence[float] | float | None = getattr(metric, "thresholds", None)
    thresholds = len(listed) if isinstance(listed, Sequence) else int(getattr(metric, "num_thresholds", 0))
    labels = output[-1] if isinstance(metric, metrics.AUC) and metric.multi_label else 1
    comparisons = thresholds * batch_size * math.prod(output) if listed is not None else 0
    return _FLOAT32_BYTES * _THRESHOLD_VARIABLES * thresholds * labels + _COMPARISON_BYTES * comparisons
