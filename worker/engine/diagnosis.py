"""Which layer's output was first not finite, found by training up to that step once more.

The training itself cannot say without looking at every output of every step. So it says nothing, and only one that
diverged is done again from where it began: up to the step at fault, whose batch then goes through the layers one by
one, with the weights and the random state that it met the first time. That takes as long as the training took.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from worker.engine import training_state
from worker.engine.divergence import Divergence, Forward, LayerReference
from worker.engine.program.compiled_program import Compiled
from worker.engine.snapshot import Snapshot
from worker.engine.training_loop import Fit
from worker.engine.training_observer import Watch
from worker.preparation.arrays import Array

# Without types, or with some that are not known.
_ops: Any = keras.ops


class Replay:
    """A watch for a training that is gone through again: asked whether to go on, as in the first, and told nothing."""

    def __init__(self, watch: Watch) -> None:
        self.check = watch.check

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Hear nothing new."""

    def wants_checkpoint(self) -> bool:
        """Want none: what is to come is known."""
        return False

    def checkpoint(self, snapshot: Snapshot) -> None:
        """Get none."""


def diagnose(network: Any, compiled: Compiled, fit: Fit, diverged: Divergence) -> Forward | None:
    """Look into the forward pass of the step at which a training diverged.

    Args:
        network: the job's own as it was before the training; it is left with the state that the step met.
        compiled: what trained it.
        fit: the same training once more.
        diverged: the step.

    Returns:
        What became of the step's batch; None where this time the training did not diverge at that step.

    """
    training_state.copy(network, compiled.network)
    if not fit.up_to(diverged.epoch, diverged.step):
        return None
    training_state.copy(compiled.network, network)
    training_state.copy_loss(compiled.network, network)
    return _forward(network, fit.batch(diverged.epoch, diverged.step))


def _forward(network: Any, batch: tuple[Array, ...]) -> Forward | None:
    x, y = batch[:2]
    weights = batch[2] if len(batch) > 2 else None  # noqa: PLR2004 the third
    output = x
    for index, layer in enumerate(network.layers):
        output = layer(output, training=True)
        if not _finite(output):
            return Forward(LayerReference(index, layer.name, type(layer).__name__))
    loss = network.compute_loss(x=x, y=y, y_pred=output, sample_weight=weights, training=True)
    mean = network.metrics[0]  # over the epoch, which is what the training looked at: its sum too leaves float32
    mean.update_state(loss, sample_weight=len(x))
    return None if _finite(mean.result()) else Forward(None)


def _finite(values: Any) -> bool:
    return bool(np.isfinite(_ops.convert_to_numpy(values)).all())
