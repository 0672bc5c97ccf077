"""Check the class weights against the classes of the target."""

from collections.abc import Mapping

from stackyard.spec.check.fault_collector import FaultCollector, format_choices
from stackyard.spec.check.report import Task
from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import format_value
from stackyard.spec.training.class_weight import format_class_value


def check_class_weight(spec: JobSpec, task: Task, faults: FaultCollector) -> None:
    """Add a fault for weights of unknown classes, and for weights that Keras does not combine with row weights."""
    class_weight = spec.training.class_weight
    if class_weight is None:
        return
    path = ("training", "class_weight")
    if spec.data.sample_weight is not None:
        message = "expected class_weight or data.sample_weight, as Keras takes one of them; received both"
        faults.add(message, *path)
    if task.classes is None:
        message = f"expected a target of classes to weigh, received one of amounts for {spec.training.loss.type}"
        faults.add(message, *path)
    elif isinstance(class_weight, Mapping):
        classes = [format_class_value(value) for value in task.classes]
        for name in class_weight:
            if name not in classes:
                message = f"expected a class of the target ({format_choices(classes)}), received {format_value(name)}"
                faults.add_unknown_name(message, *path, name, name=name, valid_names=classes)
