"""What comes of a training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from worker.engine.compiled import Compiled
from worker.engine.divergence import Divergence
from worker.engine.fit import test
from worker.engine.pace import Pace
from worker.engine.rows import rows
from worker.preparation.arrays import Array


@dataclass(frozen=True)
class Outcome:
    """The network, trained as far as it went, and how that ended.

    `network` is a keras.Sequential. `diverged` is None where the training reached its end, or a callback's. `calls`
    compute with the network's numbers until the engine trains another.
    """

    network: Any
    diverged: Divergence | None
    calls: Compiled

    def evaluate(self, x: Array, y: Array, batch_size: int, check: Callable[[], None]) -> dict[str, float]:
        """Return the metrics over some rows, as the network's `evaluate` does; `check` is called now and then."""
        return test(self.calls, rows(x, y), batch_size, Pace(), lambda _: check(), 0)

    def predict(self, x: Array) -> Array:
        """Return the outputs for some rows, as the network's `predict_on_batch` does."""
        return self.calls.predict(x)
