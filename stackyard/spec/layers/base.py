"""What every layer has."""

from stackyard.spec.base import Name, Part


class LayerBase(Part):
    """Keras's arguments for every layer. Left out are those of another day: `dtype`, `autocast`, `input_shape`."""

    type: str
    name: Name | None = None
    trainable: bool = True
