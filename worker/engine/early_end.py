"""The end of a training before its last epoch."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class EarlyEnd:
    """The end of a training before its last epoch. Epochs count from 0.

    Args:
        epoch: the last epoch that was trained.
        weights_epoch: the epoch whose weights the network has.
        is_cut: whether `epoch` ended before its last step.
        stopped_by: the monitored metric of the EarlyStopping that stopped the training; None if a client did.
        restored_by: the monitored metric of the EarlyStopping that restored the weights; None if none did.

    """

    epoch: int
    weights_epoch: int
    is_cut: bool = False
    stopped_by: str | None = None
    restored_by: str | None = None


def build_early_end(callbacks: Iterable[Any], epoch: int, *, is_cut: bool) -> EarlyEnd:
    """Describe the end of a training from the state of its Keras callbacks after `on_train_end`."""
    stoppings: list[Any] = [callback for callback in callbacks if isinstance(callback, keras.callbacks.EarlyStopping)]
    stopped_by = next((stopping.monitor for stopping in stoppings if stopping.stopped_epoch), None)
    restoring = [stopping for stopping in stoppings if stopping.best_weights is not None]
    if not restoring:
        return EarlyEnd(epoch, epoch, is_cut, stopped_by)
    last = restoring[-1]  # its `on_train_end` is called last
    return EarlyEnd(epoch, last.best_epoch, is_cut, stopped_by, last.monitor)
