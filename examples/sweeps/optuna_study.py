"""An Optuna study that lets a Stackyard server train: the search is yours, and the trainings are jobs.

.venv/bin/python examples/sweeps/optuna_study.py http://127.0.0.1:8000
"""

import json
import sys
from pathlib import Path

import optuna

from stackyard.client import Client

RATE, UNITS = "/training/optimizer/learning_rate", "/network/layers/1/units"
SPACE = {RATE: {"log_uniform": [1e-4, 1e-1]}, UNITS: {"int": [8, 256]}}

with Client(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000") as stackyard:
    base = json.loads(Path(__file__).with_name("learning-rate.json").read_text())["base"]
    sweep = stackyard.sweep(base, SPACE, name="optuna-study", search="external")

    def _evaluate_trial(trial: optuna.Trial) -> float:
        rate, units = trial.suggest_float("rate", 1e-4, 1e-1, log=True), trial.suggest_int("units", 8, 256)
        return sweep.evaluate({RATE: rate, UNITS: units})

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(_evaluate_trial, n_trials=20, n_jobs=2)
    print(study.best_params, study.best_value)
    sweep.finish().wait()
    print(f"The best job is {sweep.best.job}.")
