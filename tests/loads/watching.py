"""Streams and pollers on a real server that trains."""

import threading
from typing import Any

import httpx2

from tests.factories import iris_spec
from tests.loads.streams import Figures, load
from tests.waiting import until

_A_JOB_LASTS_S = 10.0


def watch(url: str, *, seconds: float, streams: int = 200, pollers: int = 50) -> Figures:
    """Have a server train one job after another, each for ten seconds, while they are followed and polled.

    Args:
        url: of a server that has nothing to do.
        seconds: how long.
        streams: of events, at once.
        pollers: each reads once a second.

    """
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as http:
        spec = _spec()
        answers = [http.post("/v1/jobs", json=spec) for _ in range(int(seconds / _A_JOB_LASTS_S) + 2)]
        job_ids = [answer.raise_for_status().json()["id"] for answer in answers]
        until(lambda: http.get(f"/v1/jobs/{job_ids[0]}").json()["progress"]["epochs_done"], within=120)
        done = threading.Event()
        changing = threading.Thread(target=_change_jobs, args=(url, job_ids, done))
        changing.start()
        try:
            return load(url, job_ids, streams=streams, pollers=pollers, seconds=seconds)
        finally:
            done.set()
            changing.join()
            for job_id in job_ids:
                http.post(f"/v1/jobs/{job_id}/cancel")


def _spec() -> dict[str, Any]:
    """A training of tens of epochs a second, which ends when it is told to."""
    layers = [{"type": "Dense", "units": 512, "activation": "relu"}, {"type": "Dense", "units": 10}]
    return iris_spec(
        data={"dataset": "builtin:digits", "target": {"column": "target"}},
        network={"layers": [*layers, {"type": "Softmax"}]},
        training={"epochs": 100_000},
    )


def _change_jobs(url: str, job_ids: list[str], done: threading.Event) -> None:
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as http:
        for job_id in job_ids:
            if done.wait(_A_JOB_LASTS_S):
                return
            http.post(f"/v1/jobs/{job_id}/cancel")
