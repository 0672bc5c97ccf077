"""How much each class counts in the loss of the training."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from stackyard.spec.base import NonNegative, refusal
from stackyard.spec.closed import Chosen
from stackyard.spec.problems import say


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


def spelt(value: Any) -> str:
    """Return a value of a target as it is written for a key: `spelt(True)` is `true`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
