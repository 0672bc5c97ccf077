"""The services of docker-compose.yml as plain processes on this machine."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import yaml

from tests.servers.local_server import TIMING
from tests.servers.valkey import find_free_port

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
TOKEN = "a long random string"  # noqa: S105
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


class Team:
    """Starts services of the compose file, and ends them.

    Args:
        database_url: the URL of the database.
        broker_url: the URL of the broker.
        data_dir: the directory of the shared files and of the services' logs.
        timing: settings that differ from production.

    """

    def __init__(self, database_url: str, broker_url: str, data_dir: Path, timing: Mapping[str, str] = TIMING) -> None:
        self.port = str(find_free_port())
        self._timing = timing
        self._stack = ExitStack()
        self._addresses = {
            "STACKYARD_DATABASE_URL": database_url,
            "STACKYARD_BROKER_URL": broker_url,
            "STACKYARD_DATA_DIR": str(data_dir),
        }
        self._logs = data_dir

    def start(self, service: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start a service with its command and environment; only the addresses are replaced by this machine's.

        `prefix` is prepended to the command, for a program that runs the command elsewhere.
        """
        any_address = "0.0.0.0"  # noqa: S104 the container binds it, this test does not
        words = {"python": sys.executable, any_address: "127.0.0.1", "8000": self.port, "${CPU_WORKERS:-2}": "1"}
        command = [words.get(word, word) for word in SERVICES[service]["command"]]
        environment = {
            name: self._create_secret(value) if name.endswith("_FILE") else _interpolate(value)
            for name, value in SERVICES[service]["environment"].items()
            if value is not None and name != "STACKYARD_BROKER_PASSWORD_FILE"  # the URL has it
        }
        log = self._stack.enter_context((self._logs / f"{service}.log").open("ab"))
        process = subprocess.Popen(
            [*prefix, *command],
            cwd=ROOT,
            env=os.environ | environment | self._addresses | self._timing,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._stack.callback(_kill_group, process)
        return process

    def _create_secret(self, path: str) -> str:
        """Create a file like the one that Compose mounts, and return its path."""
        file = self._logs / Path(path).name
        file.write_text(TOKEN)
        return str(file)

    def close(self) -> None:
        self._stack.close()


def _interpolate(value: str) -> str:
    """Replace a variable like Compose: by its default, or by a value if one is required."""
    return re.sub(r"\$\{.*}", TOKEN, re.sub(r"\$\{\w+:-(\w+)}", r"\1", value))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
