"""Omissions of an import."""

from pydantic import BaseModel, ConfigDict


class Omission(BaseModel):
    """A setting that a spec cannot express and the network does not need.

    Attributes:
        pointer: JSON pointer to the setting in Keras's document.
        message: The setting, and why it is left out.

    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    pointer: str
    message: str
