"""Predictions by the networks that jobs trained, made where a hostile request can do no harm.

`find` and `Predictor` are the door. The network runs in a process of its own (`python -m worker.prediction`), whose
memory and time are bounded; the caller never loads tensorflow, and does not even read the rows.
"""

from service.prediction.prediction_artifacts import Made, Trained, find
from service.prediction.predictor import Predictor

__all__ = ["Made", "Predictor", "Trained", "find"]
