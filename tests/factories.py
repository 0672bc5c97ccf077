"""Factories of specs, jobs and workers."""

import json
from typing import Any

from models import Job
from service.datasets import catalog
from service.db.database import SessionFactory
from service.jobs import insertion, validation
from service.queue import worker_registry
from service.queue.worker_registry import Registration
from stackyard.spec import Limits, parse_spec


def iris_spec(**changes: Any) -> dict[str, Any]:
    """Return a spec that trains quickly; `changes` replace whole sections or, in `training`, single arguments."""
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


def submit_job(sessions: SessionFactory, **changes: Any) -> Job:
    """Insert a queued job into the database."""
    spec = parse_spec(json.dumps(iris_spec(**changes)).encode())
    with sessions.read() as session:
        validated = validation.validate_spec(spec, catalog.find_dataset(session, spec.data.dataset), Limits())
    with sessions.begin() as session:
        return insertion.submit_job(session, validated)


def build_registration(device: str = "cpu", **changes: Any) -> Registration:
    """Return the registration of a worker."""
    fields = {"host": "here", "pid": 7, "device": device, "queue": device, "concurrency": 1, "threads": 2}
    return Registration(**fields | {"versions": {"python": "3.11.7"}} | changes)


def record_heartbeat(
    sessions: SessionFactory, worker: Registration, lasts_s: float = 60.0, *, draining: bool = False
) -> Registration:
    """Record a heartbeat of the worker, valid for `lasts_s` seconds; return the registration."""
    with sessions.begin() as session:
        worker_registry.record_heartbeat(session, worker, alive_for_s=lasts_s, uptime_s=0.0, draining=draining)
    return worker


def build_token_headers(token: str) -> dict[str, str]:
    """Return the headers of a request with a token."""
    return {"Authorization": f"Bearer {token}"}
