"""Layers around another."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from stackyard.spec.base import Count, refusal
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.convolution import Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Conv3D, Conv3DTranspose
from stackyard.spec.layers.core import Dense, Embedding
from stackyard.spec.layers.depthwise import DepthwiseConv1D, DepthwiseConv2D
from stackyard.spec.layers.plain import Plain
from stackyard.spec.layers.recurrent import Recurrent
from stackyard.spec.tagged_union import Closed


class Bidirectional(LayerBase):
    """A recurrent layer forwards, another one backwards, and the two outputs as one.

    Null as `backward_layer` is another such as `layer`. Keras's `weights`, the numbers of a trained network, are no
    part of a spec, and its `merge_mode` of null gives two outputs, for which a stack has no place.
    """

    type: Literal["Bidirectional"] = "Bidirectional"
    layer: Recurrent
    merge_mode: Literal["sum", "mul", "concat", "ave"] = "concat"
    backward_layer: Recurrent | None = None

    @model_validator(mode="after")
    def _one_each_way(self) -> Self:
        backward = self.backward_layer
        if backward is None:
            if self.layer.go_backwards:
                message = "expected false, as Keras makes the backward layer itself; received true"
                raise refusal(message, "layer", "go_backwards")
            return self
        if backward.go_backwards == self.layer.go_backwards:
            message = "expected a go_backwards other than the layer's, so that each goes one way"
            raise refusal(message, "backward_layer")
        if backward.return_sequences != self.layer.return_sequences:
            raise refusal("expected the layer's own return_sequences", "backward_layer")
        self._as_many_units(backward.units)
        return self

    def _as_many_units(self, units: int) -> None:
        # A single output is added to, or multiplied with, each of the others.
        if units != self.layer.units and (units != 1 or self.merge_mode == "concat"):
            message = f"expected {self.layer.units} units, as in the layer; received {units}"
            raise refusal(message, "backward_layer", "units")


Weighted = Annotated[
    Dense
    | Embedding
    | Conv1D
    | Conv2D
    | Conv3D
    | Conv1DTranspose
    | Conv2DTranspose
    | Conv3DTranspose
    | DepthwiseConv1D
    | DepthwiseConv2D,
    Closed("a layer with one kernel"),
]


class SpectralNormalization(LayerBase):
    """Divides a layer's kernel by its spectral norm at every step of the training."""

    type: Literal["SpectralNormalization"] = "SpectralNormalization"
    layer: Weighted
    power_iterations: Count = 1

    @model_validator(mode="after")
    def _kernel_is_one(self) -> Self:
        if isinstance(self.layer, Dense | Embedding) and self.layer.lora_rank is not None:
            raise refusal("expected null here: Keras cannot normalise a kernel of several parts", "layer", "lora_rank")
        return self


class TimeDistributed(LayerBase):
    """The same layer at every step of a sequence, or on every image of a film."""

    type: Literal["TimeDistributed"] = "TimeDistributed"
    layer: Plain
