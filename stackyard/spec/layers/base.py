"""What every layer has."""

from typing import Any

from stackyard.spec.base import Name, Part


class NamedLayer(Part):
    """Keras's arguments for every layer. Left out are those of another day: `dtype`, `autocast`, `input_shape`."""

    type: Any  # each subclass narrows it; here so that it comes first
    name: Name | None = None


class LayerBase(NamedLayer):
    """And the one that only `SpatialDropout` does not take."""

    trainable: bool = True
