"""Where a training diverged."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerReference:
    """A layer of the network: its place in the spec's `network.layers`, from 0, and what Keras calls it."""

    index: int
    name: str
    type: str


@dataclass(frozen=True)
class Forward:
    """The forward pass of the step whose loss was not finite: `layer` is the first whose output was not, if any."""

    layer: LayerReference | None


@dataclass(frozen=True)
class Divergence:
    """Where the loss stopped being finite; epoch and step count from 0.

    `forward` is None where the step could not be had again, as on a GPU, whose sums may differ from run to run.
    """

    epoch: int
    step: int
    forward: Forward | None = None

    @property
    def layer(self) -> LayerReference | None:
        """The first layer whose output was not finite; None where there was none, or where it is not known."""
        return None if self.forward is None else self.forward.layer

    @property
    def sentence(self) -> str:
        """The same for people."""
        where = f"The loss stopped being finite in epoch {self.epoch}, at step {self.step} (both count from 0)"
        if self.forward is None:
            return f"{where}."
        if self.layer is None:
            return f"{where}; the output of every layer was finite."
        named = f'"{self.layer.name}" ({self.layer.type}, network.layers[{self.layer.index}])'
        return f"{where}; the first output that was not is that of the layer {named}."
