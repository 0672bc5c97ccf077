"""What comes of a training."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from worker.engine.divergence import Divergence
from worker.engine.program.call_size import Pace
from worker.engine.program.compiled_program import Compiled, Metrics
from worker.engine.rows import rows
from worker.engine.training_loop import test
from worker.preparation.arrays import Array

_MOST_OUTPUTS = 2**24
"""Numbers that the outputs of several batches may have together; a single batch's may be more."""


@dataclass(frozen=True)
class Outcome:
    """The network, trained as far as it went, and how that ended.

    `network` is a keras.Sequential. `diverged` is None where the training reached its end, or a callback's. `calls`
    compute with the network's numbers until the engine trains another.
    """

    network: Any
    diverged: Divergence | None
    calls: Compiled

    def evaluate(
        self,
        x: Array,
        y: Array,
        batch_size: int,
        check: Callable[[], None],
        take: Callable[[Array], None] | None = None,
    ) -> Metrics:
        """Return the metrics over some rows, as the network's `evaluate` does.

        Args:
            x: the rows.
            y: their targets.
            batch_size: rows a step.
            check: is called now and then; what it raises passes through.
            take: takes the outputs for these rows, as the network's `predict` has them, of some batches at a time.

        """
        pace = Pace()
        if take is not None:
            pace = Pace(most=_MOST_OUTPUTS // (batch_size * math.prod(self.network.output_shape[1:])))
        return test(self.calls, rows(x, y), batch_size, pace, lambda _: check(), 0, take)
