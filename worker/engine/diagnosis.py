"""Which layer's output was first not finite, found by training up to that step once more.

The training itself cannot say without looking at every output of every step. So it says nothing, and only one that
diverged is done again from the same seed: up to the step at fault, whose batch then goes through the layers one by
one, with the weights and the random state that it met the first time. That takes as long as the training took.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from stackyard.spec import Training
from worker.engine.fit import fit
from worker.engine.outcome import Divergence, Forward, LayerReference, Watch
from worker.engine.progress import Logs, Watched, lost
from worker.preparation import Prepared

# Without types, or with some that are not known.
_ops: Any = keras.ops
_utils: Any = keras.utils


def diagnose(
    build: Callable[[], Any], data: Prepared, training: Training, watch: Watch, diverged: Divergence
) -> Forward | None:
    """Look into the forward pass of the step at which a training diverged.

    Args:
        build: makes the network as it was before the training, under the same seed.
        data: of the training.
        training: of the job's spec.
        watch: asked, as in the training, whether to go on; it hears of no epoch.
        diverged: the step.

    Returns:
        What became of the step's batch; None where this time the training did not diverge at that step.

    """
    network = build()
    replay = _Replay(network, watch, (diverged.epoch, diverged.step))
    try:
        fit(network, data, training, replay)
    except _Stopped as stopped:
        return None if stopped.batch is None else _forward(network, stopped.batch)
    return None


class _Stopped(Exception):
    """The replay is over: before the wanted step, with its batch, or without one where the loss was lost earlier."""

    def __init__(self, batch: Any = None) -> None:
        super().__init__()
        self.batch = batch


class _Replay(Watched):
    """Takes the steps that were taken, up to the one that is wanted."""

    def __init__(self, network: Any, watch: Watch, wanted: tuple[int, int]) -> None:
        super().__init__(watch)
        self._wanted = wanted
        network.make_train_function()
        self._take = network.train_function
        network.train_function = self._step  # `fit` keeps what there is

    def _step(self, batches: Iterator[Any]) -> Any:
        if self.at == self._wanted:
            raise _Stopped(next(batches))
        return self._take(batches)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Stop where this time goes another way."""
        if lost(logs):
            raise _Stopped
        super().on_train_batch_end(batch, logs)


def _forward(network: Any, batch: Any) -> Forward | None:
    x, y, weight = _utils.unpack_x_y_sample_weight(batch)
    output = x
    for index, layer in enumerate(network.layers):
        output = layer(output, training=True)
        if not _finite(output):
            return Forward(LayerReference(index, layer.name, type(layer).__name__))
    loss = network.compute_loss(x=x, y=y, y_pred=output, sample_weight=weight, training=True)
    mean = network.metrics[0]  # over the epoch, which is what the training looked at: its sum too leaves float32
    mean.update_state(loss, sample_weight=len(x))
    return None if _finite(mean.result()) else Forward(None)


def _finite(values: Any) -> bool:
    return bool(np.isfinite(_ops.convert_to_numpy(values)).all())
