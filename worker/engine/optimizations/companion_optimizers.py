"""Optimizers that update relocated copies of weights, with the hyperparameters of the network's own optimizer."""

from typing import Any, ClassVar

import keras

# Partly untyped.
_Keras_Adam: Any = keras.optimizers.Adam
_Keras_SGD: Any = keras.optimizers.SGD


def list_weights(optimizer: Any) -> list[Any]:
    """Return the weights that an optimizer updates, in the order of its slots."""
    return optimizer._trainable_variables  # noqa: SLF001  # Keras has no public name for them


class _CompanionMixin:
    """Shared by the companion optimizers; mixed into one of Keras's.

    Args:
        other: the network's own optimizer.
        variables: Keras variables to update.

    """

    hyperparameter_names: ClassVar[tuple[str, ...]] = ()
    """Attributes of the other optimizer that a step reads."""
    slot_names: ClassVar[tuple[str, ...]] = ()
    """Names of the lists of slots for each variable; a list may be empty."""

    def __init__(self, other: Any, variables: list[Any]) -> None:
        super().__init__()
        for name in self.hyperparameter_names:
            setattr(self, name, getattr(other, name))
        self._other = other
        self.build(variables)  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]  # Keras's

    @property
    def iterations(self) -> Any:
        """The other optimizer's step counter, which serves both."""
        return self._other.iterations

    def pair_slots(self) -> list[tuple[list[Any], list[Any]]]:
        """Return pairs of this optimizer's and the other's list of slots of the same kind."""
        pairs = ((getattr(self, name, None), getattr(self._other, name, None)) for name in self.slot_names)
        return [(slots, other_slots) for slots, other_slots in pairs if slots and other_slots]


class CompanionAdam(_CompanionMixin, _Keras_Adam):
    """The companion of an Adam or an AdamW."""

    hyperparameter_names = ("beta_1", "beta_2", "epsilon", "amsgrad")
    slot_names = ("_momentums", "_velocities", "_velocity_hats")


class CompanionSGD(_CompanionMixin, _Keras_SGD):
    """The companion of an SGD."""

    hyperparameter_names = ("momentum", "nesterov")
    slot_names = ("momentums",)
