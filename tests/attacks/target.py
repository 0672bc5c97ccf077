"""The server that the attacks run against, and the probe that measures it for others meanwhile."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import psutil

from service.settings import Settings
from stackyard.cli.serving import broker
from tests.polling import wait_until
from tests.servers.postgres import Postgres

_MEGABYTE = 10**6


@dataclass(frozen=True)
class Target:
    """A running server: its URL, its token if it has one, its directory, a client with the token, and its settings."""

    url: str
    token: str | None
    data_dir: Path
    client: httpx2.Client
    settings: Settings

    def find_api(self) -> psutil.Process:
        """Return the process of the API."""
        record = json.loads((self.data_dir / "serve.json").read_text())
        return psutil.Process(next(process["pid"] for process in record["processes"] if process["name"] == "api"))

    def measure_api_megabytes(self) -> float:
        """Return the resident memory of the API."""
        return self.find_api().memory_info().rss / _MEGABYTE


@dataclass(frozen=True)
class AttackResult:
    """Whether the server held, and the figures to show for it."""

    held: bool
    figures: dict[str, str] = field(default_factory=dict)


@contextmanager
def start_target(database: str, token: str | None) -> Generator[Target]:
    """Start `stackyard serve` on `sqlite` or `postgres`, with its data in a temporary directory."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="attack-", dir="/tmp")))
        data_dir = directory / "data"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STACKYARD_")}
        environment |= {"STACKYARD_TOKEN": token} if token else {}
        url = ""
        if database == "postgres":
            (directory / "pg").mkdir(0o755)
            postgres = Postgres(directory / "pg")
            stack.callback(postgres.close)
            url = environment["STACKYARD_DATABASE_URL"] = postgres.create_database("stackyard")
        command = [sys.executable, "-m", "stackyard", "serve", "--port", "0", "--data-dir", str(data_dir)]
        log = stack.enter_context((directory / "serve.log").open("wb"))
        process = subprocess.Popen([*command, "--workers", "1"], env=environment, stdout=log, stderr=log)
        stack.callback(_stop, process)
        record = wait_until(lambda: _read_record(process, data_dir / "serve.json"), within=120)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = stack.enter_context(httpx2.Client(base_url=record["url"], headers=headers, timeout=60))
        wait_until(lambda: client.get("/v1/workers").json()["items"], within=120)  # its start takes all cores
        broker_url = broker.build_broker_url(broker.prepare_socket_path(data_dir))
        settings = Settings(data_dir=data_dir, database_url=url, broker_url=broker_url)
        yield Target(record["url"], token, data_dir, client, settings)


def _read_record(process: subprocess.Popen[bytes], path: Path) -> dict[str, Any] | None:
    assert process.poll() is None, "the server ended before it was ready"
    record = json.loads(path.read_text()) if path.exists() else {"ready": False}
    return record if record["ready"] else None


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(60)
