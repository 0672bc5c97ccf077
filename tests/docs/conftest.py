"""A real server in a directory of its own, for the examples of the documentation."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.example_specs import EXAMPLES
from tests.polling import wait_until


@dataclass(frozen=True)
class Server:
    """A running server, the directory that readers work in, and their environment."""

    url: str
    directory: Path
    environment: dict[str, str]
    output: str


@pytest.fixture(scope="session")
def docs_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("docs")
    shutil.copytree(EXAMPLES, directory / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STACKYARD_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    command = [sys.executable, "-m", "stackyard", "serve", "--port", "0", "--data-dir", "data"]
    settings = {"STACKYARD_PREDICTION_TIMEOUT_S": "300"}  # the machine may be busy
    log = directory / "serve.log"
    with log.open("wb") as stdout:
        process = subprocess.Popen(command, cwd=directory, env=environment | settings, stdout=stdout)
    try:
        record = wait_until(lambda: _read_record(process, directory / "data" / "serve.json"))
        wait_until(lambda: "ready after" in log.read_text())
        yield Server(record["url"], directory, environment | {"STACKYARD_URL": record["url"]}, log.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _read_record(process: subprocess.Popen[bytes], path: Path) -> dict[str, Any] | None:
    assert process.poll() is None, "the server ended before it was ready"
    record = json.loads(path.read_text()) if path.exists() else {"ready": False}
    return record if record["ready"] else None
