"""The engine: a spec and prepared data in, a trained network and how that ended out.

`Engine.train` is its one door. Behind it stand Keras's own steps, many of them in each compiled call.
"""

from worker.engine.divergence import Divergence, Forward, LayerReference
from worker.engine.engine import Engine
from worker.engine.outcome import Outcome
from worker.engine.snapshot import CheckpointError, Snapshot
from worker.engine.training_observer import Watch

__all__ = ["CheckpointError", "Divergence", "Engine", "Forward", "LayerReference", "Outcome", "Snapshot", "Watch"]
