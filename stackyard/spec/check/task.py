"""What a network's outputs mean: classes or amounts."""

from stackyard.spec.check.data.inputs import Target
from stackyard.spec.check.data.targets import Kind, kind_of
from stackyard.spec.check.report import Shape, Task
from stackyard.spec.training import losses
from stackyard.spec.training.losses import SIGN_LOSSES, Loss

_BINARY = (losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy, *SIGN_LOSSES)
_TWO = 2


def task_of(loss: Loss, target: Target, output: Shape) -> Task:
    """Return what a network with rows of `output` learns from `target` by `loss`, all three found to fit."""
    kind = kind_of(loss)
    one_axis = len(output) == 1
    if target.kind == "one_hot":
        return Task(kind="classification", classes=target.values)
    if kind is Kind.LABELS:
        known = target.values if target.counted else tuple(range(output[-1]))
        return Task(kind="classification", classes=known) if one_axis else Task(kind="other")
    if kind is Kind.CLASSES:
        values = target.values or tuple(range(output[-1]))
        return Task(kind="classification", classes=values) if one_axis else Task(kind="other")
    if isinstance(loss, _BINARY) and target.kind == "labels" and target.classes == _TWO and output == (1,):
        return Task(kind="classification", classes=target.values)
    return Task(kind="regression")
