"""The network of a job."""

from typing import Annotated

from pydantic import Field

from stackyard.spec.base import Items, Part
from stackyard.spec.layers import Layer


class Network(Part):
    """A stack of layers, first to last. The shape of its input comes from the data."""

    layers: Annotated[Items[Layer], Field(min_length=1)]
