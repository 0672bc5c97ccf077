"""Streams and pollers on a server that trains."""

import threading
from typing import Any

import httpx2

from tests.factories import iris_spec
from tests.loads.streams import LoadFigures, follow_and_poll
from tests.polling import wait_until

_JOB_DURATION_S = 10.0


def watch_trainings(url: str, *, seconds: float, streams: int = 200, pollers: int = 50) -> LoadFigures:
    """Follow and poll the jobs of a server that trains one job after another for ten seconds each.

    Args:
        url: the URL of an idle server.
        seconds: the duration.
        streams: the number of concurrent event streams.
        pollers: the number of pollers, each of which reads once a second.

    """
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as http:
        spec = _build_long_spec()
        answers = [http.post("/v1/jobs", json=spec) for _ in range(int(seconds / _JOB_DURATION_S) + 2)]
        job_ids = [answer.raise_for_status().json()["id"] for answer in answers]
        wait_until(lambda: http.get(f"/v1/jobs/{job_ids[0]}").json()["progress"]["epochs_done"], within=120)
        done = threading.Event()
        changer = threading.Thread(target=_cancel_in_turn, args=(url, job_ids, done))
        changer.start()
        try:
            return follow_and_poll(url, job_ids, streams=streams, pollers=pollers, seconds=seconds)
        finally:
            done.set()
            changer.join()
            for job_id in job_ids:
                http.post(f"/v1/jobs/{job_id}/cancel")


def _build_long_spec() -> dict[str, Any]:
    """Return the spec of a training with many short epochs, which runs until it is canceled."""
    layers = [{"type": "Dense", "units": 512, "activation": "relu"}, {"type": "Dense", "units": 10}]
    return iris_spec(
        data={"dataset": "builtin:digits", "target": {"column": "target"}},
        network={"layers": [*layers, {"type": "Softmax"}]},
        training={"epochs": 100_000},
    )


def _cancel_in_turn(url: str, job_ids: list[str], done: threading.Event) -> None:
    with httpx2.Client(base_url=url, timeout=60, trust_env=False) as http:
        for job_id in job_ids:
            if done.wait(_JOB_DURATION_S):
                return
            http.post(f"/v1/jobs/{job_id}/cancel")
