"""The engine: a compiled network and prepared data in, trained weights and an outcome out.

`train` is its one door. Behind it stands Keras's own `fit`.
"""

from worker.engine.fit import train
from worker.engine.outcome import Divergence, Outcome, Watch

__all__ = ["Divergence", "Outcome", "Watch", "train"]
