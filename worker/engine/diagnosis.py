"""Find the first layer whose output was not finite, by repeating the training up to that step.

A training cannot tell this without checking every output of every step. So only a diverged training is repeated, from
its start to the failing step. The batch of that step then passes through the layers one by one, with the same weights
and random state as the first time. This takes as long as the training did.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

import keras
import numpy as np

from worker.engine import training_state
from worker.engine.backend.program_interface import Program
from worker.engine.divergence import Divergence, ForwardPass, LayerReference
from worker.engine.snapshot import Snapshot
from worker.engine.training_loop import TrainingLoop
from worker.engine.training_observer import TrainingObserver
from worker.preparation.arrays import Array

# Untyped, or partly so.
_ops: Any = keras.ops


class ReplayObserver:
    """The observer of a repeated training: it can stop the training, and ignores everything else."""

    def __init__(self, observer: TrainingObserver) -> None:
        self.check = observer.check

    def record_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Ignore an epoch, which was recorded the first time."""

    def wants_finish(self, epochs: int) -> bool:
        """Return False: the repeated training ends at the failing step."""
        del epochs
        return False

    def wants_checkpoint(self) -> bool:
        """Return False: a repeated training needs no checkpoint."""
        return False

    def save_checkpoint(self, snapshot: Snapshot) -> None:
        """Ignore a checkpoint; there is none."""

    def get_until_epoch(self) -> int | None:
        """Return None: the repeated training ends at the failing step."""
        return None

    def pause_training(self, snapshot: Snapshot) -> NoReturn:
        """Refuse to pause: a repeated training has no epoch after which it would."""
        raise AssertionError(f"expected no pause, received one after {snapshot.epoch} epochs")

    def wants_final_snapshot(self, size: int) -> bool:
        """Return False: a diverged training is not continued."""
        del size
        return False

    def save_final_snapshot(self, snapshot: Snapshot) -> None:
        """Ignore a snapshot; there is none."""


def diagnose_divergence(
    network: Any, program: Program, loop: TrainingLoop, divergence: Divergence
) -> ForwardPass | None:
    """Inspect the forward pass of the step at which a training diverged.

    Args:
        network: the job's own, as it was before the training; afterwards it has the state before the failing step.
        program: the program of the training.
        loop: a second loop of the same training.
        divergence: the failing step.

    Returns:
        The result of the forward pass; None if this time the training did not get to that step.

    """
    training_state.copy_state(network, program.network)
    if not loop.run_until(divergence.epoch, divergence.step):
        return None
    training_state.copy_state(program.network, network)
    training_state.copy_loss(program.network, network)
    return _inspect_forward_pass(network, loop.select_batch(divergence.epoch, divergence.step))


def _inspect_forward_pass(network: Any, batch: tuple[Array, ...]) -> ForwardPass | None:
    x, y = batch[:2]
    weights = batch[2] if len(batch) > 2 else None  # noqa: PLR2004 the sample weights
    output = x
    for index, layer in enumerate(network.layers):
        output = layer(output, training=True)
        if not _is_finite(output):
            return ForwardPass(LayerReference(index, layer.name, type(layer).__name__))
    loss = network.compute_loss(x=x, y=y, y_pred=output, sample_weight=weights, training=True)
    # Training checks the mean over the epoch, whose sum may exceed float32 although every loss is finite.
    mean_loss = network.metrics[0]
    mean_loss.update_state(loss, sample_weight=len(x))
    return None if _is_finite(mean_loss.result()) else ForwardPass(None)


def _is_finite(values: Any) -> bool:
    return bool(np.isfinite(_ops.convert_to_numpy(values)).all())
