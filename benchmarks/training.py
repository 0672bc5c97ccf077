"""The same training by stock `fit` and by our engine, in this process, and how long an epoch of each takes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import keras
from arrays import Job

from service.settings import Settings
from worker.engine import Engine, Snapshot
from worker.keras_build.compilation import build_compiled

_keras: Any = keras  # parts of it have no types
_engine = Engine(Settings().compiled_memory)
BURST = 0.1
"""Of an epoch's mean time: epochs told of more closely than this were told of at once."""
LONGER = 10


@dataclass
class Clock:
    """When each epoch was told of. It is the engine's watch."""

    told: list[float] = field(default_factory=list)

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Note the time."""
        del number, values
        self.told.append(time.perf_counter())

    def check(self) -> None:
        """Let it go on."""

    def wants_checkpoint(self) -> bool:
        """Want none."""
        return False

    def checkpoint(self, snapshot: Snapshot) -> None:
        """Get none."""

    def seconds(self) -> float | None:
        """The mean time of an epoch, the first ones left out: those up to the moment when the first was told of.

        None where all were told of at once.
        """
        if len(self.told) < 2:  # noqa: PLR2004
            return None
        gaps = [later - earlier for earlier, later in pairwise(self.told)]
        mean = sum(gaps) / len(gaps)
        first = next((place for place, gap in enumerate(gaps) if gap > BURST * mean), len(gaps))
        rest = len(gaps) - first
        return (self.told[-1] - self.told[first]) / rest if rest and self.told[-1] > self.told[first] else None


def stock(job: Job) -> float:
    """Seconds of an epoch of stock `fit`, on the same network and arrays."""
    data, training, clock = job.data, job.spec.training, Clock()
    _keras.utils.set_random_seed(training.seed)
    network: Any = build_compiled(job.spec, data.x_train.shape[1:])
    network.fit(
        data.x_train,
        data.y_train,
        batch_size=training.batch_size,
        epochs=training.epochs,
        shuffle=True,
        validation_data=None if data.x_validation is None else (data.x_validation, data.y_validation),
        class_weight=data.class_weight,
        sample_weight=data.weights,
        callbacks=[_keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, _: clock.epoch(epoch, {}))],
        verbose=0,
    )
    return _known(clock)


def ours(job: Job) -> float:
    """Seconds of an epoch of our engine's.

    It may tell of all epochs at once; then as many more are trained, for how long one takes does not depend on that.
    """
    clock = Clock()
    _train(job, clock)
    if clock.seconds() is None:
        return ours(_longer(job))
    return _known(clock)


def _train(job: Job, watch: Clock) -> None:
    _engine.train(job.spec, job.data, watch)


def _longer(job: Job) -> Job:
    training = job.spec.training.model_copy(update={"epochs": LONGER * job.spec.training.epochs})
    return Job(job.spec.model_copy(update={"training": training}), job.report, job.data)


def _known(clock: Clock) -> float:
    seconds = clock.seconds()
    if seconds is None:
        raise RuntimeError("expected a training of several epochs, received one of which no epoch could be timed")
    return seconds
