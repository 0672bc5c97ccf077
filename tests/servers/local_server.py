"""A server that `stackyard serve` starts, for tests in which a real worker trains."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from models import TERMINAL_STATES
from tests.polling import wait_until

TIMING = {"STACKYARD_LEASE_S": "5", "STACKYARD_HEARTBEAT_S": "1", "STACKYARD_RECONCILE_S": "0.5"} | {
    "STACKYARD_CHECKPOINT_S": "0.5"
}
"""Shorter times than in production, so that tests need not wait long for the loss of a worker."""


@dataclass
class Server:
    """A client of a running installation, with the requests that tests repeat."""

    http: httpx2.Client
    data_dir: Path = Path()

    def submit(self, spec: dict[str, Any] | bytes) -> str:
        body = spec if isinstance(spec, bytes) else json.dumps(spec).encode()
        response = self.http.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 201, response.text
        return response.json()["id"]

    def get_job(self, job_id: str) -> dict[str, Any]:
        return self.http.get(f"/v1/jobs/{job_id}").raise_for_status().json()

    def get_history(self, job_id: str) -> dict[str, Any]:
        return self.http.get(f"/v1/jobs/{job_id}/history").raise_for_status().json()

    def until_running(self, job_id: str, epochs: int = 1) -> dict[str, Any]:
        """Wait until the job has recorded this many epochs; return it."""

        def find_running_job():
            job = self.get_job(job_id)
            assert job["state"] in {"queued", "running"}, job
            return job if job["progress"]["epochs_done"] >= epochs else None

        return wait_until(find_running_job, within=300)

    def until_ended(self, job_id: str, within: float = 180) -> dict[str, Any]:
        """Wait until the job is in a terminal state; return it."""
        return wait_until(
            lambda: job if (job := self.get_job(job_id))["state"] in TERMINAL_STATES else None,
            within=within,
            every=0.1,
        )

    def upload_dataset(self, name: str, path: Path, media_type: str = "text/csv") -> dict[str, Any]:
        response = self.http.post(
            "/v1/datasets",
            params={"name": name},
            content=path.read_bytes(),
            headers={"Content-Type": media_type},
        )
        assert response.status_code in {200, 201}, response.text
        return response.json()


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """One server for all tests of this process, because a worker starts slowly."""
    with run_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@contextmanager
def run_server(data_dir: Path, *options: str, **settings: str) -> Iterator[Server]:
    """Run a server with options of `serve` and with settings, such as `STACKYARD_LEASE_S`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STACKYARD_")}
    command = [sys.executable, "-m", "stackyard", "serve", "--port", "0", "--data-dir", str(data_dir), *options]
    process = subprocess.Popen(command, env=environment | TIMING | settings, stdout=subprocess.DEVNULL)
    try:
        record = wait_until(lambda: _read_record(process, data_dir / "serve.json"))
        with httpx2.Client(base_url=record["url"], timeout=30) as http:
            yield Server(http, data_dir)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _read_record(process: subprocess.Popen[bytes], record: Path) -> dict[str, Any] | None:
    assert process.poll() is None, "the server ended before it was ready"
    if not record.exists():
        return None
    content = json.loads(record.read_text())
    return content if content["ready"] else None
