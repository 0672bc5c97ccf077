"""The weights of classes against the classes that there are."""

from collections.abc import Mapping

from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.check.report import Task
from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import say
from stackyard.spec.tagged_union import suggest
from stackyard.spec.training.class_weight import spelt

_LISTED = 20
"""As many classes as an error repeats."""


def examine_class_weight(spec: JobSpec, task: Task, faults: Faults) -> None:
    """Note weights that no class has, or that stand beside weights of rows, which Keras does not take."""
    given = spec.training.class_weight
    if given is None:
        return
    place = ("training", "class_weight")
    if spec.data.sample_weight is not None:
        message = "expected class_weight or data.sample_weight, as Keras takes one of them; received both"
        faults.add(message, *place)
    if task.classes is None:
        faults.add(
            f"expected a target of classes to weigh, received one of amounts for {spec.training.loss.type}", *place
        )
    elif isinstance(given, Mapping):
        known = [spelt(value) for value in task.classes]
        listed = ", ".join(known[:_LISTED]) + (", …" if len(known) > _LISTED else "")
        for name in given:
            if name not in known:
                message = f"expected a class of the target ({listed}), received {say(name)}"
                faults.add(message, *place, name, fix=suggest(name, known))
