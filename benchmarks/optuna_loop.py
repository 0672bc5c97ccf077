"""An Optuna study with a Keras loop of its own in this process: stock `fit`, and nothing of Stackyard's engine.

Prints the number of trials, the seconds and the best value as JSON. The study ends with the first trial that ends
after the given seconds.

    python benchmarks/optuna_loop.py --method tpe --seconds 60 --shared ../shared
"""

import argparse
import copy
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}  # before tensorflow is imported

import keras
import optuna
import sweep_subject
import tutorials
from arrays import ExperimentTable, PreparedJob
from training import fit_with_keras

_keras: Any = keras  # it is partially untyped


def main() -> None:
    """Run a study."""
    arguments = _parse_arguments()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tutorials.open_data(arguments.shared) as data:
        base = sweep_subject.build_base(data)
        table = ExperimentTable.load(data.load_experiment(sweep_subject.EXPERIMENT))
    _train(table.prepare_job(base | {"training": base["training"] | {"epochs": 1}}))  # imports and first traces
    study = optuna.create_study(sampler=_create_sampler(arguments.method), direction="minimize")
    start = time.perf_counter()
    while not study.trials or time.perf_counter() - start < arguments.seconds:
        trial = study.ask()
        study.tell(trial, _train(table.prepare_job(_choose_spec(base, trial))))
    seconds = time.perf_counter() - start
    print(json.dumps({"trials": len(study.trials), "seconds": seconds, "best": study.best_value}))


def _create_sampler(method: str) -> optuna.samplers.BaseSampler:
    sampler = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}[method]
    return sampler(seed=sweep_subject.SEED)


def _choose_spec(base: dict[str, Any], trial: optuna.Trial) -> dict[str, Any]:
    spec = copy.deepcopy(base)
    spec["training"]["optimizer"]["learning_rate"] = trial.suggest_float("rate", *sweep_subject.RATES, log=True)
    dropout = trial.suggest_float("dropout", *sweep_subject.DROPOUTS)
    for layer in spec["network"]["layers"]:
        if layer["type"] == "Dropout":
            layer["rate"] = dropout
    return spec


def _train(job: PreparedJob) -> float:
    _keras.backend.clear_session()
    return min(fit_with_keras(job).history["val_loss"])


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=("random", "tpe"), required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
