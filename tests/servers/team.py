"""The team's shape as plain processes: the commands of docker-compose.yml."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import yaml

from tests.e2e.conftest import TIMING

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
TOKEN = "a long random string"  # noqa: S105
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


class Team:
    """Starts the compose file's services on this machine, and ends what it started.

    Args:
        database_url: of the database that its parts share.
        broker_url: of the broker that they share.
        data_dir: of the files that they share; their logs go there, too.
        timing: settings that are other than in production.

    """

    def __init__(self, database_url: str, broker_url: str, data_dir: Path, timing: Mapping[str, str] = TIMING) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        self._timing = timing
        self._stack = ExitStack()
        self._here = {
            "STACKYARD_DATABASE_URL": database_url,
            "STACKYARD_BROKER_URL": broker_url,
            "STACKYARD_DATA_DIR": str(data_dir),
        }
        self._logs = data_dir

    def start(self, service: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """A service by its own command and environment; of both, only the addresses are this machine's.

        `prefix` are words before the command, of a program that runs it somewhere else.
        """
        everywhere = "0.0.0.0"  # noqa: S104 what the container binds, and this test does not
        words = {"python": sys.executable, everywhere: "127.0.0.1", "8000": self.port, "${CPU_WORKERS:-2}": "1"}
        command = [words.get(word, word) for word in SERVICES[service]["command"]]
        asked = {name: _filled(value) for name, value in SERVICES[service]["environment"].items()}
        log = self._stack.enter_context((self._logs / f"{service}.log").open("ab"))
        process = subprocess.Popen(
            [*prefix, *command],
            cwd=ROOT,
            env=os.environ | asked | self._here | self._timing,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._stack.callback(_end, process)
        return process

    def close(self) -> None:
        self._stack.close()


def _filled(value: str) -> str:
    """A variable as Compose would fill it in: its default, or what must be given."""
    return re.sub(r"\$\{.*}", TOKEN, re.sub(r"\$\{\w+:-(\w+)}", r"\1", value))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
