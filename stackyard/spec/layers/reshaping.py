"""Layers that only change the shape."""

from typing import Literal

from stackyard.spec.layers.base import LayerBase


class Flatten(LayerBase):
    """One axis out of all."""

    type: Literal["Flatten"] = "Flatten"
    data_format: Literal["channels_last", "channels_first"] | None = None
