"""Fixtures that run `stackyard serve` as a process, each on its own data directory."""

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
from tests.polling import wait_until


@dataclass
class ServeProcess:
    """One run of `serve`."""

    process: subprocess.Popen[str]
    data_dir: Path

    def wait_for_state(self) -> dict[str, Any]:
        """Return the content of `serve.json`, once the server is ready."""
        return wait_until(self._read_ready_state)

    def wait_for_url(self) -> str:
        return self.wait_for_state()["url"]

    def get_pids(self) -> dict[str, int]:
        """Return the process ids of the children by their names."""
        return {child["name"]: child["pid"] for child in self.wait_for_state()["processes"]}

    def get_pid(self, name: str) -> int:
        """Return the process id of a child."""
        return self.get_pids()[name]

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; return the exit status and the whole output."""
        self.process.send_signal(number)
        output, _ = self.process.communicate(timeout=60)
        return self.process.returncode, output

    def _read_ready_state(self) -> dict[str, Any] | None:
        if self.process.poll() is not None:
            raise AssertionError(f"serve ended with {self.process.returncode}: {self.process.communicate()[0]}")
        path = self.data_dir / "serve.json"
        state = json.loads(path.read_text()) if path.exists() else {}
        return state if state.get("ready") and state["pid"] == self.process.pid else None


@pytest.fixture
def data_dir(tmp_path) -> Path:
    """A directory with a space in its name, and with a path that is too long for a socket."""
    path = tmp_path / ("a long name " * 9).strip()
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def serve(data_dir) -> Iterator[Callable[..., ServeProcess]]:
    """Start `serve` on the data directory, with environment variables. Kills what a failed test leaves behind."""
    processes: list[subprocess.Popen[str]] = []

    def start(*options: str, **variables: str) -> ServeProcess:
        arguments = [*options, *([] if "--port" in options else ["--port", "0"])]
        arguments += [] if "--workers" in options else ["--workers", "1"]  # each worker child is slow to start
        command = [sys.executable, "-m", "stackyard", "serve", "--data-dir", str(data_dir), *arguments]
        process = subprocess.Popen(
            command, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        processes.append(process)
        return ServeProcess(process, data_dir)

    yield start
    for process in [*processes, *list_server_processes(data_dir)]:
        process.kill()
    for process in processes:
        process.communicate()
    broker.remove_socket(broker.prepare_socket_path(data_dir))


def list_server_processes(data_dir: Path) -> list[psutil.Process]:
    """Return the processes that serve a data directory, which their environment names."""
    processes = []
    for process in psutil.process_iter():
        try:
            is_of_server = process.environ().get("STACKYARD_DATA_DIR") == str(data_dir)
            if is_of_server and process.status() != psutil.STATUS_ZOMBIE:
                processes.append(process)
        except (psutil.Error, OSError):
            continue
    return processes


def is_server_up(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx2.TransportError:
        return False
