"""The engine: a way to build a network and prepared data in, trained weights and an outcome out.

`train` is its one door. Behind it stands Keras's own `fit`.
"""

from worker.engine.door import train
from worker.engine.outcome import Divergence, Forward, LayerReference, Outcome, Watch

__all__ = ["Divergence", "Forward", "LayerReference", "Outcome", "Watch", "train"]
