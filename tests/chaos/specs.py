"""Specs of small jobs that together have every kind of state that a checkpoint must carry."""

from copy import deepcopy
from typing import Any

_DIGITS: dict[str, Any] = {
    "dataset": "builtin:digits",
    "target": {"column": "target"},
    "split": {"validation": {"method": "last", "train_fraction": 0.8}},
}
_CLASSES: dict[str, Any] = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"], "seed": 7}
_TEN: dict[str, Any] = {"type": "Dense", "units": 10, "activation": "softmax"}
_SCALED: dict[str, Any] = {"type": "Rescaling", "scale": 0.0625}

SPECS: dict[str, dict[str, Any]] = {
    # Many short epochs, with the seeds of dropout and the statistics of batch normalization.
    "dropout": {
        "data": {
            "dataset": "builtin:iris",
            "target": {"column": "target"},
            "split": {"validation": {"method": "random", "train_fraction": 0.8, "seed": 0}},
        },
        "network": {
            "layers": [
                {"type": "BatchNormalization"},
                {"type": "Dense", "units": 32, "activation": "relu"},
                {"type": "Dropout", "rate": 0.2},
                {"type": "Dense", "units": 3, "activation": "softmax"},
            ]
        },
        "training": _CLASSES | {"optimizer": "adam", "epochs": 900, "batch_size": 32},
    },
    # Callbacks with state: epochs without an improvement, the best weights, the current learning rate.
    "callbacks": {
        "data": _DIGITS,
        "network": {"layers": [_SCALED, {"type": "Dense", "units": 96, "activation": "relu"}, _TEN]},
        "training": _CLASSES
        | {
            "optimizer": {"type": "SGD", "learning_rate": 0.2, "momentum": 0.9},
            "epochs": 120,
            "batch_size": 16,
            "callbacks": [
                {"type": "ReduceLROnPlateau", "patience": 3, "factor": 0.5, "cooldown": 2},
                {"type": "EarlyStopping", "patience": 30, "restore_best_weights": True},
            ],
        },
    },
    # Epochs longer than the checkpoint interval, so that checkpoints lie in the middle of an epoch.
    "long-epochs": {
        "data": _DIGITS,
        "network": {
            "layers": [
                _SCALED,
                {"type": "Reshape", "target_shape": [8, 8, 1]},
                {"type": "GaussianNoise", "stddev": 0.1},
                {"type": "Conv2D", "filters": 24, "kernel_size": 3, "padding": "same", "activation": "relu"},
                {"type": "Conv2D", "filters": 24, "kernel_size": 3, "padding": "same", "activation": "relu"},
                "GlobalAveragePooling2D",
                _TEN,
            ]
        },
        "training": _CLASSES | {"optimizer": "rmsprop", "epochs": 3, "batch_size": 2},
    },
    # A learning rate schedule, optimizer moments and running means, and Keras's own shuffling.
    "schedule": {
        "data": _DIGITS,
        "network": {
            "layers": [
                {"type": "Reshape", "target_shape": [8, 8]},
                _SCALED,
                {"type": "GRU", "units": 16, "recurrent_dropout": 0.1},
                _TEN,
            ]
        },
        "training": _CLASSES
        | {
            "optimizer": {
                "type": "AdamW",
                "use_ema": True,
                "learning_rate": {"type": "CosineDecay", "initial_learning_rate": 0.01, "decay_steps": 400},
            },
            "epochs": 20,
            "batch_size": 64,
            "shuffle": "keras",
        },
    },
    # A job that diverges after some epochs: that outcome must be reproduced, too.
    "diverges": {
        "data": {
            "dataset": "builtin:diabetes",
            "target": {"column": "target"},
            "split": {"validation": {"method": "last", "train_fraction": 0.8}},
        },
        "network": {"layers": [{"type": "Dense", "units": 16}, {"type": "Dense", "units": 1}]},
        "training": {
            "optimizer": {
                "type": "SGD",
                "learning_rate": {
                    "type": "ExponentialDecay",
                    "initial_learning_rate": 1e-4,
                    "decay_steps": 400,
                    "decay_rate": 2.0,
                },
            },
            "loss": "mse",
            "metrics": ["mae"],
            "epochs": 2000,
            "seed": 7,
        },
    },
}


def build_spec(kind: str, number: int) -> dict[str, Any]:
    """Return the spec of a kind of job, with the kind and the number as its name."""
    return deepcopy(SPECS[kind]) | {"name": f"{kind} {number}", "tags": [kind], "run": {"device": "cpu"}}
