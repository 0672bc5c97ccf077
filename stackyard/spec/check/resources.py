"""Estimate the resources of a job and check them against the limits. Python's integers do not overflow."""

import math
from collections.abc import Mapping

from stackyard.spec.check.data.resolved_data import ResolvedData
from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.check.report import LayerReport, Memory, Shape, Totals
from stackyard.spec.limits import Limits
from stackyard.spec.training.optimizers import SGD, Adam, Optimizer, RMSprop
from stackyard.spec.training.training import Training

_FLOAT32_BYTES = 4

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


def sum_parameters(layers: tuple[LayerReport, ...]) -> Totals:
    """Return the sums of the layers' parameters."""
    parameters = sum(layer.parameters for layer in layers)
    trainable = sum(layer.trainable_parameters for layer in layers)
    return Totals(
        parameters=parameters, trainable_parameters=trainable, non_trainable_parameters=parameters - trainable
    )


def estimate_memory(
    training: Training, data: ResolvedData, input_shape: Shape, layers: tuple[LayerReport, ...], totals: Totals
) -> Memory:
    """Return an estimate of the memory that the training holds at once, without the dataset."""
    batch_size = training.batch_size if data.max_train_rows is None else min(training.batch_size, data.max_train_rows)
    row_values = math.prod(input_shape) + sum(math.prod(layer.output_shape) for layer in layers)
    sizes = {
        "weights_bytes": _FLOAT32_BYTES * totals.parameters,
        "gradients_bytes": _FLOAT32_BYTES * totals.trainable_parameters,
        "optimizer_bytes": _FLOAT32_BYTES * totals.trainable_parameters * _count_slots(training.optimizer),
        "activations_bytes": 2 * _FLOAT32_BYTES * row_values * batch_size,
    }
    return Memory(**sizes, total_bytes=sum(sizes.values()))


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


def check_feature_limit(shape: Shape, limits: Limits, faults: FaultCollector, *, is_table: bool) -> None:
    """Add a fault where a row has too many numbers."""
    if (width := math.prod(shape)) > limits.max_features:
        message = f"expected at most {limits.max_features} numbers in a row (limit max_features), received {width}"
        faults.add(message, "data", "features" if is_table else "x")


def check_epoch_limit(training: Training, limits: Limits, faults: FaultCollector) -> None:
    """Add a fault where the training has too many epochs."""
    if training.epochs > limits.max_epochs:
        message = f"expected at most {limits.max_epochs} epochs (limit max_epochs), received {training.epochs}"
        faults.add(message, "training", "epochs")


def check_parameter_limit(layers: tuple[LayerReport, ...], limits: Limits, faults: FaultCollector) -> None:
    """Add a fault at the largest layer where the network has too many parameters."""
    parameters = sum(layer.parameters for layer in layers)
    if parameters > limits.max_parameters:
        largest = max(layers, key=lambda layer: layer.parameters)
        message = f"expected at most {limits.max_parameters} parameters (limit max_parameters), received {parameters}"
        path = ("network", "layers", largest.index, *(("units",) if largest.type == "Dense" else ()))
        faults.add(f"{message}, {largest.parameters} of them here", *path)


def check_memory_limit(memory: Memory, limits: Limits, faults: FaultCollector) -> None:
    """Add a fault where the training needs too much memory."""
    if memory.total_bytes <= limits.max_memory_bytes:
        return
    message = (
        f"expected at most {limits.max_memory_bytes} bytes (limit max_memory_bytes), received {memory.total_bytes}"
    )
    if 2 * memory.activations_bytes > memory.total_bytes:
        fix = "take a smaller batch_size or smaller layers"
        faults.add(f"{message}, {memory.activations_bytes} of them for one batch: {fix}", "training", "batch_size")
    else:
        faults.add(f"{message}: take fewer parameters", "network", "layers")
