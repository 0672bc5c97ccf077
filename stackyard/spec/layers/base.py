"""What every layer has."""

from typing import Any

from stackyard.spec.base import Name, Part


class LayerBase(Part):
    """Keras's arguments for every layer. Left out are those of another day: `dtype`, `autocast`, `input_shape`."""

    type: Any  # each subclass narrows it; here so that it comes first
    name: Name | None = None
    trainable: bool = True
