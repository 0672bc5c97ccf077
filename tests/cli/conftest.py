"""`stackyard serve` as people start it: a process, on a data directory of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from stackyard.cli.serving import broker
from tests.waiting import until


@dataclass
class Served:
    """One run of `serve`."""

    process: subprocess.Popen[str]
    data_dir: Path

    def record(self) -> dict[str, Any]:
        """What it says about itself, once it is ready."""
        return until(self._look)

    def url(self) -> str:
        return self.record()["url"]

    def pids(self) -> dict[str, int]:
        """The children's processes by their names."""
        return {child["name"]: child["pid"] for child in self.record()["processes"]}

    def pid(self, name: str) -> int:
        """The process of a child."""
        return self.pids()[name]

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Its exit status and all that it printed, after a signal."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=60)
        return self.process.returncode, output

    def _look(self) -> dict[str, Any] | None:
        if self.process.poll() is not None:
            raise AssertionError(f"serve ended with {self.process.returncode}: {self.process.communicate()[0]}")
        path = self.data_dir / "serve.json"
        told = json.loads(path.read_text()) if path.exists() else {}
        return told if told.get("ready") and told["pid"] == self.process.pid else None


@pytest.fixture
def data_dir(tmp_path) -> Path:
    """With a space in its name, and too long for a socket."""
    path = tmp_path / ("a long name " * 9).strip()
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def serve(data_dir) -> Iterator[Callable[..., Served]]:
    """Starts `serve` on the data directory, with variables; kills what a failed test leaves."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, **variables: str) -> Served:
        given = [*options, *([] if "--port" in options else ["--port", "0"])]
        given += [] if "--workers" in options else ["--workers", "1"]  # a child's start costs seconds
        command = [sys.executable, "-m", "stackyard", "serve", "--data-dir", str(data_dir), *given]
        process = subprocess.Popen(
            command, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return Served(process, data_dir)

    yield start
    for process in [*started, *living(data_dir)]:
        process.kill()
    for process in started:
        process.communicate()
    broker.clear(broker.socket_path(data_dir))


def living(data_dir: Path) -> list[psutil.Process]:
    """The processes that serve a data directory, known by the environment that they were given."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("STACKYARD_DATA_DIR") == str(data_dir)
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def is_alive(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx2.TransportError:
        return False
