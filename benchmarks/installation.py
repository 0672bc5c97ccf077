"""An embedded server on an empty directory, for as long as something is measured."""

import json
import os
import platform
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

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Installation:
    """A running server: where it answers, and the process that holds the others."""

    url: str
    pid: int


@contextmanager
def installed() -> Generator[Installation]:
    """Start a server; it ends, and its data go, with the block."""
    with TemporaryDirectory(prefix="stackyard-bench-") as directory:
        command = [sys.executable, "-m", "stackyard", "serve", "--port", "0", "--data-dir", directory]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            yield Installation(_url(Path(directory) / "serve.json"), server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def machine() -> dict[str, Any]:
    """What this machine is."""
    return {"cores": os.cpu_count(), "processor": platform.processor(), "system": platform.platform()}


def keep(name: str, figures: dict[str, Any]) -> None:
    """Write figures to `benchmarks/results`."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")


def _url(record: Path) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if record.exists() and (told := json.loads(record.read_text()))["ready"]:
            return told["url"]
        time.sleep(0.05)
    raise TimeoutError("the server did not become ready")
