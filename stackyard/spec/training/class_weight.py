"""The weight of each class in the training loss."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from stackyard.spec.base import NonNegativeFloat, build_validation_error
from stackyard.spec.reading.faults import format_value
from stackyard.spec.tagged_union import UntaggedUnion


def _check_form(value: object) -> object:
    if isinstance(value, str | dict):
        return value  # pyright: ignore[reportUnknownVariableType]  # the members are validated next
    raise build_validation_error(
        f'expected "balanced" or an object with a weight for each class, received {format_value(value)}'
    )


ClassWeight = Annotated[
    Annotated[
        Literal["balanced"] | dict[str, NonNegativeFloat], UntaggedUnion(lambda value: int(isinstance(value, dict)))
    ],
    BeforeValidator(_check_form),
]
"""Keras's `class_weight`, as an object from each value of the target to its weight, or scikit-learn's `"balanced"`.

The keys are the target's values as JSON writes them: `"setosa"`, `"3"`, `"true"`. A class without a key has the
weight 1. With `"balanced"`, the rows of every class have the same total weight.
"""


def map_weights_by_label(
    class_weights: Mapping[str, float], classes: Sequence[Any], *, uses_signs: bool
) -> dict[int, float]:
    """Return class weights by label, as Keras's `fit` expects them.

    Args:
        class_weights: Weights of some of the classes, by the class as `format_class_value` writes it.
        classes: The value of every class, in the order of their indexes.
        uses_signs: Whether the loss is one of `SIGN_LOSSES`.

    """
    labels = (
        (get_class_label(index, classes, uses_signs=uses_signs), format_class_value(value))
        for index, value in enumerate(classes)
    )
    return {class_label: class_weights[key] for class_label, key in labels if key in class_weights}


def get_class_label(index: int, classes: Sequence[Any], *, uses_signs: bool) -> int:
    """Return the label, a whole number, that rows of a class are trained on. Keras looks up class weights by it.

    The label is the index of the class. If the loss expects signs (`uses_signs`), a numeric value is its own label.
    """
    value = classes[index]
    return value if uses_signs and isinstance(value, int) else index


def format_class_value(value: Any) -> str:
    """Return a value of a target as a key of `class_weight`: `format_class_value(True)` is `true`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
