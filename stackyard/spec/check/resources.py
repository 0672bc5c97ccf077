"""What a job will need, against what one job may ask for. Python's integers have no end, so nothing overflows."""

import math
from collections.abc import Mapping

from stackyard.spec.check.data.inputs import Inputs
from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.check.report import LayerReport, Memory, Shape, Totals
from stackyard.spec.limits import Limits
from stackyard.spec.training.optimizers import SGD, Adam, Optimizer, RMSprop
from stackyard.spec.training.training import Training

_FLOAT = 4
"""Bytes of a float32."""

_SLOTS: Mapping[str, int] = {
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
"""Numbers that an optimizer keeps for each parameter, at most, where no argument changes them."""


def total(layers: tuple[LayerReport, ...]) -> Totals:
    """Return the sums of the layers' parameters."""
    everything = sum(layer.parameters for layer in layers)
    trained = sum(layer.trainable_parameters for layer in layers)
    return Totals(parameters=everything, trainable_parameters=trained, non_trainable_parameters=everything - trained)


def estimate(
    training: Training, inputs: Inputs, shape: Shape, layers: tuple[LayerReport, ...], totals: Totals
) -> Memory:
    """Return what the training holds in memory at once, but for the dataset."""
    batch = training.batch_size if inputs.most_rows is None else min(training.batch_size, inputs.most_rows)
    values = math.prod(shape) + sum(math.prod(layer.output_shape) for layer in layers)
    parts = {
        "weights_bytes": _FLOAT * totals.parameters,
        "gradients_bytes": _FLOAT * totals.trainable_parameters,
        "optimizer_bytes": _FLOAT * totals.trainable_parameters * _slots(training.optimizer),
        "activations_bytes": 2 * _FLOAT * values * batch,
    }
    return Memory(**parts, total_bytes=sum(parts.values()))


def _slots(optimizer: Optimizer) -> int:
    averages = optimizer.use_ema + (optimizer.gradient_accumulation_steps is not None)
    match optimizer:
        case SGD():
            return averages + (optimizer.momentum > 0)
        case RMSprop():
            return averages + 1 + (optimizer.momentum > 0) + optimizer.centered
        case Adam():
            return averages + 2 + optimizer.amsgrad
        case _:
            return averages + _SLOTS[optimizer.type]


def hold_features(shape: Shape, limits: Limits, faults: Faults, *, table: bool) -> None:
    """Note rows that are too wide."""
    if (width := math.prod(shape)) > limits.max_features:
        message = f"expected at most {limits.max_features} numbers in a row (limit max_features), received {width}"
        faults.add(message, "data", "features" if table else "x")


def hold_epochs(training: Training, limits: Limits, faults: Faults) -> None:
    """Note a training that is too long."""
    if training.epochs > limits.max_epochs:
        message = f"expected at most {limits.max_epochs} epochs (limit max_epochs), received {training.epochs}"
        faults.add(message, "training", "epochs")


def hold_parameters(layers: tuple[LayerReport, ...], limits: Limits, faults: Faults) -> None:
    """Note a network that is too large, at the largest of its layers."""
    everything = sum(layer.parameters for layer in layers)
    if everything > limits.max_parameters:
        largest = max(layers, key=lambda layer: layer.parameters)
        most = f"expected at most {limits.max_parameters} parameters (limit max_parameters), received {everything}"
        place = ("network", "layers", largest.index, *(("units",) if largest.type == "Dense" else ()))
        faults.add(f"{most}, {largest.parameters} of them here", *place)


def hold_memory(memory: Memory, limits: Limits, faults: Faults) -> None:
    """Note a training that does not fit."""
    if memory.total_bytes <= limits.max_memory_bytes:
        return
    most = f"expected at most {limits.max_memory_bytes} bytes (limit max_memory_bytes), received {memory.total_bytes}"
    if 2 * memory.activations_bytes > memory.total_bytes:
        why = f"{most}, {memory.activations_bytes} of them for one batch: take a smaller batch_size or smaller layers"
        faults.add(why, "training", "batch_size")
    else:
        faults.add(f"{most}: take fewer parameters", "network", "layers")
