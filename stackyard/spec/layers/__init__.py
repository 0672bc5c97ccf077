"""The layers. A new one is a class here, a rule in `stackyard.spec.check.shapes` and a line in `worker.network`."""

from typing import Annotated

from stackyard.spec.closed import Closed
from stackyard.spec.layers.activation import ELU, LeakyReLU, PReLU, ReLU, Softmax
from stackyard.spec.layers.core import Activation, Dense
from stackyard.spec.layers.normalization import BatchNormalization, LayerNormalization, RenormClipping
from stackyard.spec.layers.regularization import Dropout
from stackyard.spec.layers.reshaping import Flatten

Layer = Annotated[
    Dense
    | Activation
    | ReLU
    | LeakyReLU
    | PReLU
    | ELU
    | Softmax
    | Dropout
    | BatchNormalization
    | LayerNormalization
    | Flatten,
    Closed("a layer"),
]

__all__ = [
    "ELU",
    "Activation",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "RenormClipping",
    "Softmax",
]
