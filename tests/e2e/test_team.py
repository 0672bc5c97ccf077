"""The team's shape as plain processes: the commands of docker-compose.yml on a real PostgreSQL and a real Valkey."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import httpx2
import psycopg
import pytest
import yaml
from sqlalchemy.engine import make_url

from tests.e2e.conftest import TIMING, Server
from tests.factories import iris_spec
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("team")

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
TOKEN = "a long random string"  # noqa: S105
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


class Team:
    """Starts the compose file's services on this machine, and ends what it started."""

    def __init__(self, database_url: str, broker_url: str, data_dir: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        self._stack = ExitStack()
        self._here = {
            "STACKYARD_DATABASE_URL": database_url,
            "STACKYARD_BROKER_URL": broker_url,
            "STACKYARD_DATA_DIR": str(data_dir),
        }
        self._logs = data_dir

    def start(self, service: str) -> subprocess.Popen[bytes]:
        """A service by its own command and environment; of both, only the addresses are this machine's."""
        everywhere = "0.0.0.0"  # noqa: S104 what the container binds, and this test does not
        words = {"python": sys.executable, everywhere: "127.0.0.1", "8000": self.port, "${CPU_WORKERS:-2}": "1"}
        command = [words.get(word, word) for word in SERVICES[service]["command"]]
        asked = {name: _filled(value) for name, value in SERVICES[service]["environment"].items()}
        log = self._stack.enter_context((self._logs / f"{service}.log").open("ab"))
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | asked | self._here | TIMING,
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


@pytest.fixture(scope="module")
def database_url(postgres_admin_url) -> Iterator[str]:
    """An empty database: the migrate service makes its tables."""
    name = f"team_{uuid4().hex}"
    with psycopg.connect(postgres_admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield make_url(postgres_admin_url).set(drivername="postgresql+psycopg", database=name).render_as_string()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def team(database_url, broker_url, tmp_path_factory) -> Iterator[Team]:
    """Migrated, with an API and no worker yet."""
    team = Team(database_url, broker_url, tmp_path_factory.mktemp("team"))
    try:
        assert team.start("migrate").wait(60) == 0
        team.start("api")
        yield team
    finally:
        team.close()


@pytest.fixture(scope="module")
def api(team) -> Iterator[Server]:
    with httpx2.Client(base_url=f"http://127.0.0.1:{team.port}", headers=AUTHORIZED, timeout=30) as http:
        until(lambda: _answers(http))
        yield Server(http)


def _answers(http: httpx2.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def test_only_who_has_the_token_comes_in(api):
    stranger = {"Authorization": "Bearer guess"}
    assert api.http.get("/v1/jobs", headers=stranger).status_code == 401
    assert api.http.get("/healthz", headers=stranger).status_code == 200


def test_a_job_waits_for_a_worker_and_outlives_the_one_that_is_killed(team, api):
    job_id = api.submit(iris_spec(training={"epochs": 4_000}))
    assert api.job(job_id)["queue_position"] == 0
    first = team.start("worker-cpu")
    api.until_running(job_id, epochs=3)
    os.killpg(first.pid, signal.SIGKILL)
    team.start("worker-cpu")
    job = api.until_ended(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 2), job
    assert api.history(job_id)["epochs"] == list(range(4_000))
    model = api.http.get(f"/v1/jobs/{job_id}/model")
    assert model.content.startswith(b"PK")
    assert api.http.get(f"/v1/jobs/{job_id}/summary").status_code == 200
