"""What comes of a training."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from worker.engine.compiled import Compiled, Metrics
from worker.engine.divergence import Divergence
from worker.engine.fit import test
from worker.engine.pace import Pace
from worker.engine.rows import rows
from worker.preparation.arrays import Array

_MOST_OUTPUTS = 2**24
"""Numbers that predictions of several batches may have together; a single batch's may be more."""


@dataclass(frozen=True)
class Outcome:
    """The network, trained as far as it went, and how that ended.

    `network` is a keras.Sequential. `diverged` is None where the training reached its end, or a callback's. `calls`
    compute with the network's numbers until the engine trains another.
    """

    network: Any
    diverged: Divergence | None
    calls: Compiled

    def evaluate(self, x: Array, y: Array, batch_size: int, check: Callable[[], None]) -> Metrics:
        """Return the metrics over some rows, as the network's `evaluate` does; `check` is called now and then."""
        return test(self.calls, rows(x, y), batch_size, Pace(), lambda _: check(), 0)

    def predictions(self, x: Array, batch_size: int, check: Callable[[], None]) -> Iterator[Array]:
        """Yield the outputs for rows as the network's `predict` has them, for some batches at a time."""
        given = rows(x)
        pace = Pace(most=_MOST_OUTPUTS // (batch_size * math.prod(self.network.output_shape[1:])))
        for part in given.slices(np.arange(given.count, dtype=np.int32), batch_size, pace):
            check()
            since = time.perf_counter()
            outputs = self.calls.predict(part.rows[0], part.steps, batch_size)
            pace.took(len(part.steps), time.perf_counter() - since)
            yield outputs
