"""Small things that many tests need."""

import json
from typing import Any

from models import Job
from service.datasets import catalog
from service.db.database import Sessions
from service.jobs import jobs
from service.queue import worker_registry
from service.queue.worker_registry import Registration
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
        checked = jobs.examine(spec, catalog.find(session, spec.data.dataset), Limits())
    with sessions.begin() as session:
        return jobs.submit(session, checked)


def registration(device: str = "cpu", **changes: Any) -> Registration:
    """What a worker would say of itself."""
    said = {"host": "here", "pid": 7, "device": device, "queue": device, "concurrency": 1, "threads": 2}
    return Registration(**said | {"versions": {"python": "3.11.7"}} | changes)


def beat(sessions: Sessions, worker: Registration, lasts_s: float = 60.0, *, draining: bool = False) -> Registration:
    """The worker, alive for so long."""
    with sessions.begin() as session:
        worker_registry.beat(session, worker, lasts_s=lasts_s, running_for_s=0.0, draining=draining)
    return worker
