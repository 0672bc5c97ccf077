"""A table with columns of every kind, and specs of jobs that train on it."""

import json

import numpy as np
import pandas as pd

ROWS, TRAIN_ROWS = 120, 90


def build_table():
    """Build a table of numbers, some of them missing, of categories, and of targets that depend on both."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "name": [f"row {index}" for index in range(ROWS)],
            "number": range(ROWS),
            "size": random.normal(50, 20, ROWS),
            "age": random.integers(1, 90, ROWS).astype(float),
            "color": random.choice(["red", "green", "blue"], ROWS),
            "wet": random.choice([True, False], ROWS),
        },
    )
    frame["price"] = 1000 + 30 * frame["size"] + 100 * (frame["color"] == "red")
    frame["kind"] = np.where(frame["size"] > 55, "large", np.where(frame["size"] > 40, "middling", "small"))
    frame.loc[::7, "age"] = np.nan
    return frame


def build_things_spec(target, loss, units, activation=None, features=None):
    return {
        "data": {
            "dataset": "things",
            "target": target,
            "features": features or [{"columns": ["size"], "transform": "standard"}],
            "split": {"validation": {"method": "last", "train_fraction": TRAIN_ROWS / ROWS}},
        },
        "network": {
            "layers": [
                {"type": "Dense", "units": 16, "activation": "relu"},
                {"type": "Dropout", "rate": 0.2},
                {"type": "Dense", "units": units, "activation": activation},
            ],
        },
        "training": {"optimizer": "adam", "loss": loss, "epochs": 4, "seed": 1},
    }


def to_records(frame):
    """Convert rows to JSON objects, with null for a missing value."""
    return json.loads(frame.to_json(orient="records", double_precision=15))
