"""The callbacks through which a training is watched."""

import math
from collections.abc import Mapping
from typing import Any

import keras

from worker.engine.outcome import Divergence, Watch

Logs = Mapping[str, Any] | None


def lost(logs: Logs) -> bool:
    """Return whether a step's logs have a loss that is not finite: the mean over the epoch's steps so far."""
    return not math.isfinite(float((logs or {}).get("loss", 0.0)))


class Watched(keras.callbacks.Callback):
    """Knows at which epoch and step a training is, and asks its watch whether to go on."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch
        self.at = (0, 0)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Note the epoch."""
        del logs
        self.at = (epoch, 0)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Note the step."""
        del logs
        self.at = (self.at[0], batch)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Ask, between two steps."""
        del batch, logs
        self._watch.check()

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Ask, between two batches of validation."""
        del batch, logs
        self._watch.check()


class Progress(Watched):
    """Tells its watch of every epoch, and ends a training that diverges, where it is to `stop`."""

    def __init__(self, network: Any, watch: Watch, *, stop: bool) -> None:
        super().__init__(watch)
        self._network = network
        self._stop = stop
        self.diverged: Divergence | None = None

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Stop at the first loss that is not finite, as keras.callbacks.TerminateOnNaN does."""
        if self._stop and self.diverged is None and lost(logs):
            self.diverged = Divergence(*self.at)
            self._network.stop_training = True
        super().on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Tell of the epoch."""
        self._watch.epoch(epoch, dict(logs or {}))
