"""A training from its first step to its outcome."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import tensorflow as tf

from stackyard.spec import Training
from worker.engine.diagnosis import diagnose
from worker.engine.fit import fit
from worker.engine.outcome import Outcome, Watch
from worker.engine.progress import Progress
from worker.preparation import Prepared

_tensorflow: Any = tf  # which carries no types
_TOO_LARGE: tuple[type[Exception], ...] = (MemoryError, _tensorflow.errors.ResourceExhaustedError)


def train(build: Callable[[], Any], data: Prepared, training: Training, watch: Watch) -> Outcome:
    """Train the network that `build` makes.

    Args:
        build: makes a keras.Sequential, compiled, for rows of `data`'s shape, under the job's seed: each call the same
            network. A training that diverges calls it again, to train up to that step once more and look inside.
        data: float32 rows, the training rows first in the order in which `shuffle=False` takes them.
        training: of the job's spec.
        watch: hears of every epoch; what it raises ends the training and passes through.

    """
    network = build()
    progress = Progress(network, watch, stop=training.on_nonfinite == "stop")
    fit(network, data, training, progress)
    diverged = progress.diverged
    if diverged is not None:
        with suppress(*_TOO_LARGE):  # it takes a second network; without room for it, the outcome stays what it is
            diverged = replace(diverged, forward=diagnose(build, data, training, watch, diverged))
    return Outcome(network, diverged)
