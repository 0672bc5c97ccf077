"""Optimizers beside a network's own: with its numbers and its count of steps, for what its weights were moved to."""

from typing import Any, ClassVar

import keras

# With some types that are not known.
_Keras_Adam: Any = keras.optimizers.Adam
_Keras_SGD: Any = keras.optimizers.SGD


def weights(optimizer: Any) -> list[Any]:
    """The weights that an optimizer updates, in the order of what it remembers of them."""
    return optimizer._trainable_variables  # noqa: SLF001  # Keras tells of them nowhere else


class _Beside:
    """What such optimizers have in common; mixed into one of Keras's.

    Args:
        other: the network's own optimizer.
        variables: what to update, Keras's variables.

    """

    numbers: ClassVar[tuple[str, ...]] = ()
    """What a step reads of the other."""
    slots: ClassVar[tuple[str, ...]] = ()
    """The names of what is remembered of each variable; a name stands for an empty list where nothing is."""

    def __init__(self, other: Any, variables: list[Any]) -> None:
        super().__init__()
        for name in self.numbers:
            setattr(self, name, getattr(other, name))
        self._other = other
        self.build(variables)  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]  # Keras's

    @property
    def iterations(self) -> Any:
        """The other's, which counts for both."""
        return self._other.iterations

    def remembered(self) -> list[tuple[list[Any], list[Any]]]:
        """What is remembered of each variable, and what the other remembers of each of its own, one by one."""
        pairs = ((getattr(self, name, None), getattr(self._other, name, None)) for name in self.slots)
        return [(mine, others) for mine, others in pairs if mine and others]


class Adam(_Beside, _Keras_Adam):
    """Beside an Adam or an AdamW."""

    numbers = ("beta_1", "beta_2", "epsilon", "amsgrad")
    slots = ("_momentums", "_velocities", "_velocity_hats")


class SGD(_Beside, _Keras_SGD):
    """Beside an SGD."""

    numbers = ("momentum", "nesterov")
    slots = ("momentums",)
