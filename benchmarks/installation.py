"""An embedded server on an empty directory, for as long as something is measured."""

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

SMALL: dict[str, Any] = {
    "data": {"dataset": "builtin:iris", "target": {"column": "target"}},
    "network": {"layers": [{"type": "Dense", "units": 3, "activation": "softmax"}]},
    "training": {"loss": "sparse_categorical_crossentropy", "epochs": 1, "seed": 0},
}
"""A job of an architecture that no experiment has."""
TRIES = 20
"""Rounds of small jobs in which every child has had one; if not, what is measured begins all the same."""
WAITING: dict[str, Any] = SMALL | {"run": {"device": "gpu"}}
"""The same for a queue that nobody serves, so that what the API does is measured without the training behind it."""

_ENDS = {"succeeded", "diverged"}


@dataclass(frozen=True)
class Installation:
    """A running server: where it answers, the process that holds the others, and where its data are."""

    url: str
    pid: int
    data_dir: Path

    def process(self, word: str) -> psutil.Process:
        """The first of its processes that was started with this word.

        Raises:
            StopIteration: there is none.

        """
        below = psutil.Process(self.pid).children(recursive=True)
        return next(process for process in below if word in process.cmdline())


@contextmanager
def installed(*, workers: int | None = None) -> Generator[Installation]:
    """Start a server, as `make serve` does or with so many workers; it ends, and its data go, with the block."""
    with TemporaryDirectory(prefix="stackyard-bench-") as directory:
        command = [sys.executable, "-m", "stackyard", "serve", "--port", "0", "--data-dir", directory]
        command += [] if workers is None else ["--workers", str(workers)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield Installation(_url(Path(directory) / "serve.json", server), server.pid, Path(directory))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def warm_up(client: Client) -> None:
    """Let each of the worker's children finish a small job of another architecture: it has imported what jobs need."""
    children = sum(worker.concurrency for worker in client.workers())
    warm: set[str | None] = set()
    for _ in range(TRIES):  # nothing says which child takes a job; one after another, the same may take all
        submitted = [client.submit(SMALL) for _ in range(children)]
        warm.update(ended(client, job).worker for job in submitted)
        if len(warm) >= children:
            return


def ended(client: Client, job: Job) -> Job:
    """Wait for a job's end.

    Raises:
        RuntimeError: it failed.

    """
    job = client.wait(job.id)
    if job.state not in _ENDS:
        why = job.reason.message if job.reason else "no reason"
        raise RuntimeError(f"expected a job that trains, received one that is {job.state}: {why}")
    return job


def timed(client: Client, spec: dict[str, Any]) -> tuple[float, Job]:
    """Submit a job, wait for its end, and tell how many seconds it took.

    From the moment before the POST is sent to the job's `finished_at`, by the database's clock, which is this
    machine's. A client hears of the end one commit later.
    """
    sent = time.time()
    job = ended(client, client.submit(spec))
    if job.finished_at is None:
        raise RuntimeError("expected a job that ended, received one without the time of its end")
    return job.finished_at.timestamp() - sent, job


def _url(record: Path, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        if record.exists() and (told := json.loads(record.read_text()))["ready"]:
            return told["url"]
        time.sleep(0.05)
    raise TimeoutError("the server did not become ready")
