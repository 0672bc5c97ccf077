"""The floor: a lower bound of the time per step, from its operations and bytes and from measured rates.

The operations are those of the compile report (a multiply-add counts as 2). Each training row costs its forward pass
and twice that for the backward pass, without the gradient of the input, which is not needed. Each validation row costs
its forward pass. Their sum is divided by the best rate of TensorFlow's float32 matmul.

The bytes of the optimizer's update are divided by the best bandwidth in TensorFlow, and added. An update reads weight,
gradient and slots, and writes weight and slots: per trainable parameter 7 float32 for Adam and 3 for SGD.

Activations, the rows themselves and Python are not counted, nor that a small matmul is slower than a large one.
Therefore no implementation can reach the floor.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from arrays import PreparedJob

_tf: Any = tf  # it has no types

SIZES = (512, 1024, 2048)
"""The sizes of the square matrices that are multiplied."""
MEGABYTES = (2, 8, 32, 128)
"""The sizes of the arrays that are moved: some fit into a cache, some do not."""
SECONDS = 0.5
"""The measuring time of each size."""
FLOAT32_BYTES = 4
ARRAYS_MOVED = {"Adam": 7, "SGD": 3}
"""The float32 values that an update reads and writes per trainable parameter, by optimizer."""


@dataclass(frozen=True)
class Rates:
    """Float32 operations per second, and bytes per second."""

    flops: float
    bandwidth: float

    def take_best(self, other: "Rates") -> "Rates":
        """Return the better of each rate."""
        return Rates(max(self.flops, other.flops), max(self.bandwidth, other.bandwidth))


@dataclass(frozen=True)
class StepWork:
    """The necessary operations and bytes of a step."""

    flops: float
    bytes: float

    def compute_floor_ms(self, rates: Rates) -> float:
        """Return the lower bound of the time per step in milliseconds."""
        return 1000 * (self.flops / rates.flops + self.bytes / rates.bandwidth)


def measure_rates() -> Rates:
    """Measure this machine through TensorFlow, with its default number of threads."""
    return Rates(max(map(_measure_matmul, SIZES)), max(map(_measure_bandwidth, MEGABYTES)))


def count_step_work(job: PreparedJob, steps: int) -> StepWork:
    """Return the work of one of an epoch's steps; the validation is divided among the steps.

    Raises:
        KeyError: the optimizer is not in `ARRAYS_MOVED`.

    """
    report, data = job.report, job.data
    first = next(layer.flops for layer in report.layers if layer.trainable_parameters)
    validation = 0 if data.x_validation is None else len(data.x_validation)
    flops = len(data.x_train) * (3 * report.flops.row - first) + validation * report.flops.row
    moved_bytes = ARRAYS_MOVED[job.spec.training.optimizer.type] * FLOAT32_BYTES * report.totals.trainable_parameters
    return StepWork(flops / steps, moved_bytes)


def _measure_matmul(size: int) -> float:
    left, right = _tf.random.normal((size, size)), _tf.random.normal((size, size))
    return 2 * size**3 / _measure_shortest(lambda: _tf.matmul(left, right))


def _measure_bandwidth(megabytes: int) -> float:
    size = megabytes * 1_000_000 // FLOAT32_BYTES
    sums, addends = _tf.Variable(_tf.zeros(size)), _tf.zeros(size)
    return (
        3 * FLOAT32_BYTES * size / _measure_shortest(lambda: sums.assign_add(addends, read_value=False))
    )  # two read, one written


def _measure_shortest(action: Callable[[], Any]) -> float:
    """Return the shortest time of an action in seconds, without the first run."""
    action()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while (start := time.perf_counter()) < end:
        action()
        best = min(best, time.perf_counter() - start)
    return best
