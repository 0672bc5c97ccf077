"""Train networks: a spec and prepared data in, a trained network and its outcome out.

`Engine.train` is the entry point. It runs Keras's own training steps, many of them in each compiled call.
"""

from worker.engine.divergence import Divergence, ForwardPass, LayerReference
from worker.engine.early_end import EarlyEnd
from worker.engine.engine import Engine
from worker.engine.outcome import Outcome
from worker.engine.snapshot import CheckpointError, Snapshot
from worker.engine.training_observer import TrainingObserver

__all__ = [
    "CheckpointError",
    "Divergence",
    "EarlyEnd",
    "Engine",
    "ForwardPass",
    "LayerReference",
    "Outcome",
    "Snapshot",
    "TrainingObserver",
]
