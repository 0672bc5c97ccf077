"""The same training by stock `fit` and by our engine in this process, with the time of an epoch."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any, NoReturn

import keras
from arrays import PreparedJob

from service.settings import Settings
from worker.engine import Engine, Snapshot
from worker.keras_build.compilation import build_compiled_network

_keras: Any = keras  # it is partially untyped
BURST = 0.1
"""Epochs whose reports are closer than this share of the mean epoch time were reported at once."""
EXTRA_EPOCHS_FACTOR = 10


@dataclass
class EpochClock:
    """A training observer that records the time of each epoch's report."""

    times: list[float] = field(default_factory=list)

    def record_epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Record the time."""
        del number, values
        self.times.append(time.perf_counter())

    def check(self) -> None:
        """Let the training continue."""

    def wants_finish(self, epochs: int) -> bool:
        """Train all epochs."""
        del epochs
        return False

    def wants_checkpoint(self) -> bool:
        """Request no checkpoint."""
        return False

    def save_checkpoint(self, snapshot: Snapshot) -> None:
        """Ignore the checkpoint."""

    def get_until_epoch(self) -> int | None:
        """Train to the end."""
        return None

    def pause_training(self, snapshot: Snapshot) -> NoReturn:
        """Raise an error: no training pauses."""
        del snapshot
        raise RuntimeError("expected a training to its end, received a pause")

    def wants_final_snapshot(self, size: int) -> bool:
        """Request no snapshot."""
        del size
        return False

    def save_final_snapshot(self, snapshot: Snapshot) -> None:
        """Ignore the snapshot."""

    def compute_epoch_time(self) -> float | None:
        """Return the mean time of an epoch in seconds, without the epochs of the first report.

        Return None if all epochs were reported at once.
        """
        if len(self.times) < 2:  # noqa: PLR2004
            return None
        gaps = [later - earlier for earlier, later in pairwise(self.times)]
        mean = sum(gaps) / len(gaps)
        first = next((index for index, gap in enumerate(gaps) if gap > BURST * mean), len(gaps))
        rest = len(gaps) - first
        return (self.times[-1] - self.times[first]) / rest if rest and self.times[-1] > self.times[first] else None


def train_with_keras(job: PreparedJob) -> float:
    """Train with stock `fit` on the same network and arrays; return the seconds of an epoch."""
    clock = EpochClock()
    fit_with_keras(job, _keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, _: clock.record_epoch(epoch, {})))
    return _require_epoch_time(clock)


def fit_with_keras(job: PreparedJob, *callbacks: Any) -> Any:
    """Build and compile the network, train it with stock `fit`, and return Keras's `History`."""
    data, training = job.data, job.spec.training
    _keras.utils.set_random_seed(training.seed)
    network: Any = build_compiled_network(job.spec, data.x_train.shape[1:])
    return network.fit(
        data.x_train,
        data.y_train,
        batch_size=training.batch_size,
        epochs=training.epochs,
        shuffle=True,
        validation_data=None if data.x_validation is None else (data.x_validation, data.y_validation),
        class_weight=data.class_weight,
        sample_weight=data.weights,
        callbacks=list(callbacks),
        verbose=0,
    )


@cache
def create_engine() -> Engine:
    """Return the engine of this process."""
    return Engine(Settings().compiled_memory)


def train_with_engine(job: PreparedJob) -> float:
    """Train with our engine; return the seconds of an epoch.

    If the engine reports all epochs at once, train again with more epochs, which does not change the time of one.
    """
    clock = EpochClock()
    _run_engine(job, clock)
    if clock.compute_epoch_time() is None:
        return train_with_engine(_add_epochs(job))
    return _require_epoch_time(clock)


def _run_engine(job: PreparedJob, clock: EpochClock) -> None:
    create_engine().train(job.spec, job.data, clock)


def _add_epochs(job: PreparedJob) -> PreparedJob:
    training = job.spec.training.model_copy(update={"epochs": EXTRA_EPOCHS_FACTOR * job.spec.training.epochs})
    return PreparedJob(job.spec.model_copy(update={"training": training}), job.report, job.data)


def _require_epoch_time(clock: EpochClock) -> float:
    seconds = clock.compute_epoch_time()
    if seconds is None:
        raise RuntimeError("expected a training of several epochs, received one of which no epoch could be timed")
    return seconds
