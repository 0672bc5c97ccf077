"""An installation of plain processes for trials, with control over its broker and its database."""

import shutil
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import httpx2

from tests.polling import wait_until
from tests.servers.local_server import Server
from tests.servers.postgres import Postgres
from tests.servers.team import AUTHORIZED, Team
from tests.servers.valkey import Valkey


@dataclass(frozen=True)
class Installation:
    """A migrated installation with an API and workers, with the timing of production."""

    team: Team
    api: Server
    valkey: Valkey
    postgres: Postgres | None


@contextmanager
def start_installation(database: str, *, workers: int = 1) -> Generator[Installation]:
    """Start an installation on `sqlite` or `postgres`, in a temporary directory."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="ft-", dir="/tmp")))
        postgres = None
        url = f"sqlite:///{directory / 'stackyard.db'}"
        if database == "postgres":
            (directory / "pg").mkdir(0o700)
            postgres = Postgres(directory / "pg")
            stack.callback(postgres.close)
            url = postgres.create_database("stackyard")
        valkey = stack.enter_context(Valkey(directory))
        team = Team(url, valkey.url, directory, timing={})
        stack.callback(team.close)
        assert team.start("migrate").wait(120) == 0, (directory / "migrate.log").read_text()
        team.start("api")
        for _ in range(workers):
            team.start("worker-cpu")
        base_url = f"http://127.0.0.1:{team.port}"
        http = stack.enter_context(httpx2.Client(base_url=base_url, headers=AUTHORIZED, timeout=60))
        wait_until(lambda: _has_workers(http, workers), within=180)
        try:
            yield Installation(team, Server(http), valkey, postgres)
        except AssertionError:
            logs = shutil.copytree(directory, mkdtemp(prefix="faults-"), dirs_exist_ok=True, ignore=_list_other_files)
            print(f"the logs are in {logs}", flush=True)  # noqa: T201
            raise


def _list_other_files(_directory: str, names: list[str]) -> list[str]:
    """Return the files that are no logs."""
    return [name for name in names if not name.endswith(".log")]


def _has_workers(http: httpx2.Client, workers: int) -> bool:
    try:
        return len(http.get("/v1/workers").json().get("items", ())) >= workers
    except httpx2.TransportError:
        return False
