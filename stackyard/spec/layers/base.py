"""Base classes of the layers."""

from typing import Any

from stackyard.spec.base import LayerName, SpecModel


class NamedLayer(SpecModel):
    """Arguments of every layer. Not supported: `dtype` and `autocast`, and the outdated `input_shape`."""

    type: Any  # declared here so that it comes first; each subclass narrows it
    name: LayerName | None = None


class LayerBase(NamedLayer):
    """Arguments of every layer except `SpatialDropout`, which does not accept `trainable`."""

    trainable: bool = True
