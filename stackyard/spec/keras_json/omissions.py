"""What an import does not keep."""

from pydantic import BaseModel, ConfigDict


class LeftOut(BaseModel):
    """Something that a spec cannot say and the network does without: where it is in Keras's document, and why."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    message: str
