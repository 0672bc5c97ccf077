"""Small things that many tests need."""

import json
from typing import Any

from models import Job
from service import jobs
from service.database import Sessions
from stackyard.spec import Limits, parse


def iris_spec(**changes: Any) -> dict[str, Any]:
    """A spec that trains in a moment; `changes` replace whole sections or, for `training`, single arguments."""
    training = {
        "optimizer": "adam",
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        "batch_size": 32,
        "epochs": 3,
        "seed": 0,
    }
    return {
        "name": "iris",
        "data": {
            "dataset": "builtin:iris",
            "target": {"column": "target"},
            "split": {"validation": {"method": "random", "train_fraction": 0.8, "seed": 0}},
        },
        "network": {
            "layers": [
                {"type": "BatchNormalization"},
                {"type": "Dense", "units": 8, "activation": "relu"},
                {"type": "Dropout", "rate": 0.1},
                {"type": "Dense", "units": 3, "activation": "softmax"},
            ],
        },
        **changes,
        "training": training | changes.get("training", {}),
    }


def submit(sessions: Sessions, **changes: Any) -> Job:
    """A queued job in the database."""
    spec = parse(json.dumps(iris_spec(**changes)).encode())
    with sessions.read() as session:
        checked = jobs.examine(session, spec, Limits())
    with sessions.begin() as session:
        return jobs.submit(session, checked)
