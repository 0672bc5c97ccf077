"""200 streams and 50 pollers on a real server that trains: `python -m tests.loads --minutes 10`."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import httpx2

from tests.factories import iris_spec
from tests.loads.streams import Figures, load
from tests.waiting import until

_A_JOB_LASTS_S = 10.0
_MOST_READ_S = 0.25


def watch(url: str, *, minutes: float, streams: int = 200, pollers: int = 50) -> Figures:
    """Have a server train one job after another, each for ten seconds, while they are followed and polled.

    Args:
        url: of a server with one worker and nothing to do.
        minutes: how long.
        streams: of events, at once.
        pollers: each reads once a second.

    """
    seconds = 60 * minutes
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
    """A training of some ten epochs a second, which ends when it is told to."""
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


def _main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--streams", type=int, default=200)
    arguments.add_argument("--pollers", type=int, default=50)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="loads-") as data_dir:
        command = [sys.executable, "-m", "stackyard", "serve", "--port", "0", "--data-dir", data_dir]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STACKYARD_")}
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            record = until(lambda: _record(Path(data_dir) / "serve.json"), within=120)
            figures = watch(record["url"], minutes=asked.minutes, streams=asked.streams, pollers=asked.pollers)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    print(figures)
    print(*figures.errors[:20], sep="\n")
    return int(bool(figures.errors or figures.epochs_missing or figures.epochs_doubled or figures.p99 > _MOST_READ_S))


def _record(path: Path) -> dict[str, str]:
    told = json.loads(path.read_text()) if path.exists() else {}
    return told if told.get("ready") else {}


if __name__ == "__main__":
    sys.exit(_main())
