"""The tables of sweeps."""

from models.sweeps.deleted_sweep import DeletedSweep
from models.sweeps.sweep import SWEEP_END_STATES, Sweep, SweepState
from models.sweeps.trial import OPEN_TRIAL_STATES, Trial, TrialState

__all__ = [
    "OPEN_TRIAL_STATES",
    "SWEEP_END_STATES",
    "DeletedSweep",
    "Sweep",
    "SweepState",
    "Trial",
    "TrialState",
]
