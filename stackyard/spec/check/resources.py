"""Check the resources of a job against the limits. Python's integers do not overflow."""

import math

from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.check.report import LayerReport, Memory, Shape, Totals
from stackyard.spec.limits import Limits
from stackyard.spec.training.training import Training


def sum_parameters(layers: tuple[LayerReport, ...]) -> Totals:
    """Return the sums of the layers' parameters."""
    parameters = sum(layer.parameters for layer in layers)
    trainable = sum(layer.trainable_parameters for layer in layers)
    return Totals(
        parameters=parameters, trainable_parameters=trainable, non_trainable_parameters=parameters - trainable
    )


def check_feature_limit(shape: Shape, limits: Limits, faults: FaultCollector, *, is_table: bool) -> None:
    """Add a fault where a row has too many numbers."""
    if (width := math.prod(shape)) > limits.max_features:
        message = f"expected at most {limits.max_features} numbers in a row (limit max_features), received {width}"
        faults.add(message, "data", "features" if is_table else "x")


def check_epochs(training: Training, until_epoch: int | None, limits: Limits, faults: FaultCollector) -> None:
    """Add a fault where the training has too many epochs, or would pause after its last one."""
    if until_epoch is not None and until_epoch > training.epochs:
        message = f"expected at most {training.epochs}, the epochs of the training; received {until_epoch}"
        faults.add(message, "run", "until_epoch", fix="leave it out to train all epochs")
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
    elif 2 * memory.penalties_bytes > memory.total_bytes:
        fix = "take a regularizer that does not multiply a weight with itself, such as L2"
        faults.add(f"{message}, {memory.penalties_bytes} of them for penalties: {fix}", "network", "layers")
    elif 2 * memory.metrics_bytes > memory.total_bytes:
        fix = "take fewer thresholds"
        faults.add(f"{message}, {memory.metrics_bytes} of them for metrics: {fix}", "training", "metrics")
    else:
        faults.add(f"{message}: take fewer parameters", "network", "layers")
