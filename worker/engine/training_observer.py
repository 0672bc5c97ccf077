"""The interface through which the engine reports on a training."""

from collections.abc import Mapping
from typing import NoReturn, Protocol

from worker.engine.snapshot import Snapshot


class TrainingObserver(Protocol):
    """Observes a training. Each method may raise to stop the training; the engine passes the exception on."""

    def record_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Record a completed epoch.

        Args:
            epoch: of the epoch, from 0.
            metrics: the metrics that Keras logs for it.

        """
        ...

    def check(self) -> None:
        """Raise if the training should stop; called at least several times a second."""
        ...

    def wants_finish(self, epochs: int) -> bool:
        """Return whether the training is to end now as if it were complete; called as often as `check`.

        Args:
            epochs: the number of complete epochs.

        """
        ...

    def wants_checkpoint(self) -> bool:
        """Return whether the training's state is to be saved now; called as often, so it must be fast."""
        ...

    def save_checkpoint(self, snapshot: Snapshot) -> None:
        """Save the state after `wants_checkpoint` returned True; the training continues afterwards."""
        ...

    def get_until_epoch(self) -> int | None:
        """Return the number of epochs after which the training pauses; None to train to the end."""
        ...

    def pause_training(self, snapshot: Snapshot) -> NoReturn:
        """Save the state after the epochs of `get_until_epoch`, and raise to pause the training there."""
        ...

    def wants_final_snapshot(self, size: int) -> bool:
        """Return whether to save the state, of about `size` bytes, from which more epochs could be trained."""
        ...

    def save_final_snapshot(self, snapshot: Snapshot) -> None:
        """Save the state after `wants_final_snapshot` returned True: that at the end, before callbacks change it."""
        ...
