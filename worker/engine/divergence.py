"""The step and the layer at which a training diverged."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerReference:
    """A layer of the network: its index in the spec's `network.layers`, from 0, and its name in Keras."""

    index: int
    name: str
    type: str


@dataclass(frozen=True)
class ForwardPass:
    """The forward pass of the failing step: `layer` is the first with an output that is not finite, if any."""

    layer: LayerReference | None


@dataclass(frozen=True)
class Divergence:
    """The step after which the loss was not finite; epoch and step count from 0.

    `forward_pass` is None if the step could not be reproduced, as on a GPU, whose sums may differ between runs.
    """

    epoch: int
    step: int
    forward_pass: ForwardPass | None = None

    @property
    def layer(self) -> LayerReference | None:
        """The first layer whose output was not finite; None if there is none or it is unknown."""
        return None if self.forward_pass is None else self.forward_pass.layer

    @property
    def message(self) -> str:
        """A message for the job's owner, in which epochs and steps count from 1."""
        location = f"The loss stopped being finite in epoch {self.epoch + 1}, at step {self.step + 1}"
        if self.forward_pass is None:
            return f"{location}."
        if self.layer is None:
            return f"{location}; the output of every layer was finite."
        layer = f'"{self.layer.name}" ({self.layer.type}, network.layers[{self.layer.index}])'
        return f"{location}; the first output that was not finite is that of the layer {layer}."
