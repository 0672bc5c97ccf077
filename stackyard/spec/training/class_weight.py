"""How much each class counts in the loss of the training."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from stackyard.spec.base import NonNegative, refusal
from stackyard.spec.reading.faults import say
from stackyard.spec.tagged_union import Chosen


def _either(value: object) -> object:
    if isinstance(value, str | dict):
        return value  # pyright: ignore[reportUnknownVariableType]  # what is in it is looked at next
    raise refusal(f'expected "balanced" or an object with a weight for each class, received {say(value)}')


ClassWeight = Annotated[
    Annotated[Literal["balanced"] | dict[str, NonNegative], Chosen(lambda value: int(isinstance(value, dict)))],
    BeforeValidator(_either),
]
"""Keras's `class_weight`, by the target's own values as JSON writes them (`"setosa"`, `"3"`, `"true"`), 1 for a class
that is not there; or scikit-learn's `"balanced"`, by which each class weighs as much as every other.
"""


def by_label(given: Mapping[str, float], classes: Sequence[Any], *, signs: bool) -> dict[int, float]:
    """Return the weights that are given for some of the classes as Keras's `fit` takes them.

    Args:
        given: by the class's value as it is `spelt`.
        classes: every class's value, by its place.
        signs: whether the loss is one of `SIGN_LOSSES`.

    """
    labels = ((label(place, classes, signs=signs), spelt(value)) for place, value in enumerate(classes))
    return {number: given[name] for number, name in labels if name in given}


def label(place: int, classes: Sequence[Any], *, signs: bool) -> int:
    """Return the whole number that rows of a class are trained on, by which Keras finds their weight.

    It is the place among the classes, but the value itself where the loss takes `signs` and the value is a number.
    """
    value = classes[place]
    return value if signs and isinstance(value, int) else place


def spelt(value: Any) -> str:
    """Return a value of a target as it is written for a key: `spelt(True)` is `true`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
