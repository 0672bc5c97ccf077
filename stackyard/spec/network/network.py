"""The network of a job."""

from typing import Annotated

from pydantic import Field

from stackyard.spec.base import JsonArray, SpecModel
from stackyard.spec.layers import Layer


class Network(SpecModel):
    """A sequential stack of layers, from input to output. The data determine the input shape."""

    layers: Annotated[JsonArray[Layer], Field(min_length=1)]
