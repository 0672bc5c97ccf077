"""The outcome of a training."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stackyard.spec.training.metrics import Metric
from worker.engine.backend.program_interface import Metrics, Program
from worker.engine.divergence import Divergence
from worker.engine.early_end import EarlyEnd
from worker.engine.program.call_size import CallSizer
from worker.engine.rows import build_rows
from worker.engine.target_axis import shape_targets
from worker.engine.training_loop import evaluate_rows
from worker.preparation.arrays import Array

_MAX_OUTPUTS = 2**24
"""Maximum number of output values of several batches together; those of a single batch may be more."""


@dataclass(frozen=True)
class Outcome:
    """A trained network, and how its training ended.

    `network` is a keras.Sequential. `divergence` is None if the training was completed, or ended early.
    `program` has the network's weights until the engine trains another network. `early_end` is None if all epochs were
    trained, or the training diverged. `metrics` are those of the spec.
    """

    network: Any
    divergence: Divergence | None
    program: Program
    early_end: EarlyEnd | None = None
    metrics: Sequence[Metric] = ()

    def evaluate(
        self,
        x: Array,
        y: Array,
        batch_size: int,
        check: Callable[[], None],
        handle_outputs: Callable[[Array], None] | None = None,
    ) -> Metrics:
        """Return the metrics over some rows, as Keras's `evaluate` does.

        Args:
            x: the rows.
            y: their targets.
            batch_size: number of rows in a step.
            check: called between calls; exceptions that it raises are passed on.
            handle_outputs: receives the outputs for these rows, some batches at a time, as from Keras's `predict`.

        """
        pace = CallSizer()
        if handle_outputs is not None:
            pace = CallSizer(max_steps=_MAX_OUTPUTS // (batch_size * math.prod(self.network.output_shape[1:])))
        rows = build_rows(x, shape_targets(y, self.metrics))
        return evaluate_rows(self.program, rows, batch_size, pace, lambda _: check(), 0, handle_outputs)
