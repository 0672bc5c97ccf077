"""The engine on Keras's own `fit`."""

import math
from collections.abc import Mapping
from typing import Any

import keras

from stackyard.spec import Training
from worker.compilation import build_callbacks
from worker.engine.outcome import Divergence, Outcome, Watch
from worker.preparation import Prepared


def train(network: Any, data: Prepared, training: Training, watch: Watch) -> Outcome:
    """Train `network` in place.

    Args:
        network: a keras.Sequential, compiled, built for rows of `data`'s shape; its `fit` has no types.
        data: float32 rows, the training rows first in the order in which `shuffle=False` takes them.
        training: of the job's spec.
        watch: hears of every epoch; what it raises ends the training and passes through.

    """
    progress = _Progress(network, watch)
    validation = None if data.x_validation is None else (data.x_validation, data.y_validation)
    network.fit(
        data.x_train,
        data.y_train,
        batch_size=training.batch_size,
        epochs=training.epochs,
        shuffle=training.shuffle,
        validation_data=validation,
        callbacks=[*build_callbacks(training.callbacks), progress],
        verbose=0,
    )
    return Outcome(progress.diverged)


class _Progress(keras.callbacks.Callback):
    """Last in the list, so that an epoch's logs have what the other callbacks put there."""

    def __init__(self, network: Any, watch: Watch) -> None:
        super().__init__()
        self._network = network
        self._watch = watch
        self._epoch = 0
        self.diverged: Divergence | None = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        del logs
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Stop at the first loss that is not finite, as keras.callbacks.TerminateOnNaN does."""
        if self.diverged is None and not math.isfinite(float((logs or {}).get("loss", 0.0))):
            self.diverged = Divergence(self._epoch, batch)
            self._network.stop_training = True
        self._watch.check()

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        del batch, logs
        self._watch.check()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._watch.epoch(epoch, dict(logs or {}))
