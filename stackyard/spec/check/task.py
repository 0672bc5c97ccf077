"""Infer the learning task: classification or regression."""

from stackyard.spec.check.data.resolved_data import Target
from stackyard.spec.check.data.targets import TargetFormat, get_target_format
from stackyard.spec.check.report import Shape, Task
from stackyard.spec.training import losses
from stackyard.spec.training.losses import SIGN_LOSSES, Loss

_BINARY_LOSSES = (losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy, *SIGN_LOSSES)
_BINARY_CLASSES = 2


def infer_task(loss: Loss, target: Target, output: Shape) -> Task:
    """Return the task of a network with outputs of shape `output`; loss, target and output must fit each other."""
    target_format = get_target_format(loss)
    has_one_axis = len(output) == 1
    if target.kind == "one_hot":
        return Task(kind="classification", classes=target.values)
    if target_format is TargetFormat.LABELS:
        classes = target.values if target.counts_from_zero else tuple(range(output[-1]))
        return Task(kind="classification", classes=classes) if has_one_axis else Task(kind="other")
    if target_format is TargetFormat.CLASS_PROBABILITIES:
        classes = target.values or tuple(range(output[-1]))
        return Task(kind="classification", classes=classes) if has_one_axis else Task(kind="other")
    is_binary = isinstance(loss, _BINARY_LOSSES) and target.kind == "labels" and target.class_count == _BINARY_CLASSES
    if is_binary and output == (1,):
        return Task(kind="classification", classes=target.values)
    return Task(kind="regression")
