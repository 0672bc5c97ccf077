"""Wrapper layers."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from stackyard.spec.base import PositiveInt, build_validation_error
from stackyard.spec.layers.base import LayerBase
from stackyard.spec.layers.convolution import Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Conv3D, Conv3DTranspose
from stackyard.spec.layers.core import Dense, Embedding
from stackyard.spec.layers.depthwise import DepthwiseConv1D, DepthwiseConv2D
from stackyard.spec.layers.non_wrappers import NonWrapperLayer
from stackyard.spec.layers.recurrent import RecurrentLayer
from stackyard.spec.tagged_union import TaggedUnion


class Bidirectional(LayerBase):
    """Runs one recurrent layer forwards and one backwards, and merges their outputs.

    If `backward_layer` is null, it is a copy of `layer`. Keras's argument `weights` is not supported, because a spec
    contains no trained weights. A `merge_mode` of null is not supported, because it returns two outputs.
    """

    type: Literal["Bidirectional"] = "Bidirectional"
    layer: RecurrentLayer
    merge_mode: Literal["sum", "mul", "concat", "ave"] = "concat"
    backward_layer: RecurrentLayer | None = None

    @model_validator(mode="after")
    def _check_directions(self) -> Self:
        backward = self.backward_layer
        if backward is None:
            if self.layer.go_backwards:
                message = "expected false, as Keras creates the backward layer itself; received true"
                raise build_validation_error(message, "layer", "go_backwards")
            return self
        if backward.go_backwards == self.layer.go_backwards:
            message = "expected the opposite of the layer's go_backwards, so that the two run in opposite directions"
            raise build_validation_error(message, "backward_layer")
        if backward.return_sequences != self.layer.return_sequences:
            raise build_validation_error("expected the same return_sequences as in the layer", "backward_layer")
        self._check_units(backward.units)
        return self

    def _check_units(self, units: int) -> None:
        # A single output is broadcast when it is added to or multiplied with the others.
        if units != self.layer.units and (units != 1 or self.merge_mode == "concat"):
            message = f"expected {self.layer.units} units, as in the layer; received {units}"
            raise build_validation_error(message, "backward_layer", "units")


SingleKernelLayer = Annotated[
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
    TaggedUnion("a layer with one kernel"),
]


class SpectralNormalization(LayerBase):
    """Divides the kernel of the wrapped layer by its spectral norm at every training step."""

    type: Literal["SpectralNormalization"] = "SpectralNormalization"
    layer: SingleKernelLayer
    power_iterations: PositiveInt = 1

    @model_validator(mode="after")
    def _check_kernel(self) -> Self:
        if isinstance(self.layer, Dense | Embedding) and self.layer.lora_rank is not None:
            message = "expected null: Keras cannot normalize a kernel that consists of several weights"
            raise build_validation_error(message, "layer", "lora_rank")
        return self


class TimeDistributed(LayerBase):
    """Applies the wrapped layer to every step of a sequence, such as every image of a video."""

    type: Literal["TimeDistributed"] = "TimeDistributed"
    layer: NonWrapperLayer
