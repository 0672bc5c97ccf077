"""Predictions with the models of jobs, in a separate process, where a malicious request can do no harm.

`find_prediction_artifacts` and `Predictor` are the entry points. The model runs in `python -m worker.prediction` with
limited memory and time. The caller never loads TensorFlow, and does not parse the rows.
"""

from service.prediction.prediction_artifacts import OpenedArtifacts, PredictionArtifacts, find_prediction_artifacts
from service.prediction.predictor import Predictor

__all__ = ["OpenedArtifacts", "PredictionArtifacts", "Predictor", "find_prediction_artifacts"]
