"""The least time that a step could take on this machine: its arithmetic and its bytes, at rates that were measured.

Counted are the operations of the compile report (a multiply-add counts 2): every training row forward, and at twice
the cost backward, but for the gradient of the input itself, which nobody needs; every validation row forward. They are
divided by the best rate that TensorFlow's own float32 matmul reaches. Added are the bytes of the optimizer's update
(read weight, gradient and slots, write weight and slots: 7 float32 a trainable parameter for Adam, 3 for SGD) over the
best bandwidth that TensorFlow reaches. Not counted are activations, the rows themselves, Python, and that a small
matmul never reaches the rate of a large one: a floor, which nobody reaches.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from arrays import Job

_tf: Any = tf  # which carries no types

SIZES = (512, 1024, 2048)
"""Of the square matrices that are multiplied."""
MEGABYTES = (2, 8, 32, 128)
"""Of each of the three arrays that are moved: what fits into a cache, and what does not."""
SECONDS = 0.5
"""How long each size is tried."""
FLOAT32 = 4
ARRAYS = {"Adam": 7, "SGD": 3}
"""Read and written for each trainable parameter in an update, by optimizer."""


@dataclass(frozen=True)
class Rates:
    """Operations a second in float32, and bytes a second."""

    flops: float
    bandwidth: float

    def best(self, other: "Rates") -> "Rates":
        """The better of each."""
        return Rates(max(self.flops, other.flops), max(self.bandwidth, other.bandwidth))


@dataclass(frozen=True)
class Work:
    """What an epoch cannot do without, by step: operations and bytes."""

    flops: float
    bytes: float

    def milliseconds(self, rates: Rates) -> float:
        """The least that a step could take."""
        return 1000 * (self.flops / rates.flops + self.bytes / rates.bandwidth)


def rates() -> Rates:
    """Measure this machine through TensorFlow, on as many threads as it takes by default."""
    return Rates(max(map(_matmul, SIZES)), max(map(_bandwidth, MEGABYTES)))


def work(job: Job, steps: int) -> Work:
    """The work of one of an epoch's steps, validation shared out among them.

    Raises:
        KeyError: nobody has counted what the optimizer moves.

    """
    report, data = job.report, job.data
    first = next(layer.flops for layer in report.layers if layer.trainable_parameters)
    validation = 0 if data.x_validation is None else len(data.x_validation)
    flops = len(data.x_train) * (3 * report.flops.row - first) + validation * report.flops.row
    moved = ARRAYS[job.spec.training.optimizer.type] * FLOAT32 * report.totals.trainable_parameters
    return Work(flops / steps, moved)


def _matmul(size: int) -> float:
    left, right = _tf.random.normal((size, size)), _tf.random.normal((size, size))
    return 2 * size**3 / _best(lambda: _tf.matmul(left, right))


def _bandwidth(megabytes: int) -> float:
    numbers = megabytes * 1_000_000 // FLOAT32
    sums, more = _tf.Variable(_tf.zeros(numbers)), _tf.zeros(numbers)
    return 3 * FLOAT32 * numbers / _best(lambda: sums.assign_add(more, read_value=False))  # two read, one written


def _best(action: Callable[[], Any]) -> float:
    """The shortest time of an action, in seconds, the first left out."""
    action()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while (start := time.perf_counter()) < end:
        action()
        best = min(best, time.perf_counter() - start)
    return best
