"""A server on an empty directory for the time of a measurement."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from stackyard.client import Client, Job

SMALL_JOB: dict[str, Any] = {
    "data": {"dataset": "builtin:iris", "target": {"column": "target"}},
    "network": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
    "training": {"loss": "sparse_categorical_crossentropy", "epochs": 1, "seed": 0},
}
"""A job whose architecture no experiment has."""
MAX_WARM_UP_ROUNDS = 20
"""The measurement starts after this many rounds of small jobs, even if some child had none."""
WAITING_JOB: dict[str, Any] = SMALL_JOB | {"run": {"device": "gpu"}}
"""The same job for a queue without a worker, to measure the API without the training."""

_FINAL_STATES = {"succeeded", "diverged"}


@dataclass(frozen=True)
class Installation:
    """A running server: its URL, the id of its root process, and its data directory."""

    url: str
    pid: int
    data_dir: Path

    def find_process(self, word: str) -> psutil.Process:
        """Return the first of its processes with this word in the command line.

        Raises:
            StopIteration: no process has it.

        """
        children = psutil.Process(self.pid).children(recursive=True)
        return next(process for process in children if word in process.cmdline())


@contextmanager
def start_installation(*, workers: int | None = None) -> Generator[Installation]:
    """Start a server as `make serve` does, or with this many workers; remove it at the end of the block."""
    with TemporaryDirectory(prefix="stackyard-bench-") as directory:
        options = [] if workers is None else ["--workers", str(workers)]
        with start_server(Path(directory), *options) as server:
            yield server


@contextmanager
def start_server(directory: Path, *options: str) -> Generator[Installation]:
    """Start a server on a data directory, which is kept at the end of the block."""
    record = directory / "serve.json"
    record.unlink(missing_ok=True)
    command = [sys.executable, "-m", "stackyard", "serve", "--port", "0", "--data-dir", str(directory), *options]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield Installation(_wait_for_url(record, server), server.pid, directory)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def warm_up(client: Client) -> None:
    """Let each child of the worker finish a small job, so that it has imported everything that jobs need."""
    children = sum(worker.concurrency for worker in client.workers())
    warm: set[str | None] = set()
    for _ in range(MAX_WARM_UP_ROUNDS):  # one child may claim all jobs of a round
        submitted = [client.submit(SMALL_JOB) for _ in range(children)]
        warm.update(wait_for_job(client, job).worker for job in submitted)
        if len(warm) >= children:
            return


def wait_for_job(client: Client, job: Job) -> Job:
    """Wait until a job has succeeded or diverged; return it.

    Raises:
        RuntimeError: the job failed.

    """
    job = client.wait(job.id)
    if job.state not in _FINAL_STATES:
        reason = job.reason.message if job.reason else "no reason"
        raise RuntimeError(f"expected a job that trains, received one that is {job.state}: {reason}")
    return job


def time_job(client: Client, spec: dict[str, Any]) -> tuple[float, Job]:
    """Submit a job, wait for its end, and return its duration in seconds.

    The duration is from before the POST to the job's `finished_at`, by the database's clock, which is this machine's.
    A client sees the end one commit later.
    """
    sent = time.time()
    job = wait_for_job(client, client.submit(spec))
    if job.finished_at is None:
        raise RuntimeError("expected a job that ended, received one without `finished_at`")
    return job.finished_at.timestamp() - sent, job


def _wait_for_url(record: Path, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        if record.exists() and (content := json.loads(record.read_text()))["ready"]:
            return content["url"]
        time.sleep(0.05)
    raise TimeoutError("the server did not become ready")
