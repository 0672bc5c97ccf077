"""A whole installation of plain processes, whose broker and database can be taken away: what long trials run on."""

import shutil
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import httpx2

from tests.e2e.conftest import Server
from tests.servers.postgres import Postgres
from tests.servers.team import AUTHORIZED, Team
from tests.servers.valkey import Valkey
from tests.waiting import until


@dataclass(frozen=True)
class Installation:
    """Migrated, with an API and as many workers as were asked for, by production's times."""

    team: Team
    api: Server
    valkey: Valkey
    postgres: Postgres | None


@contextmanager
def installed(database: str, *, workers: int = 1) -> Generator[Installation]:
    """An installation on `sqlite` or `postgres`, in a directory that is removed afterwards."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="ft-", dir="/tmp")))
        postgres = None
        url = f"sqlite:///{directory / 'stackyard.db'}"
        if database == "postgres":
            (directory / "pg").mkdir(0o700)
            postgres = Postgres(directory / "pg")
            stack.callback(postgres.close)
            url = postgres.make("stackyard")
        valkey = stack.enter_context(Valkey(directory))
        team = Team(url, valkey.url, directory, timing={})
        stack.callback(team.close)
        assert team.start("migrate").wait(120) == 0, (directory / "migrate.log").read_text()
        team.start("api")
        for _ in range(workers):
            team.start("worker-cpu")
        base_url = f"http://127.0.0.1:{team.port}"
        http = stack.enter_context(httpx2.Client(base_url=base_url, headers=AUTHORIZED, timeout=60))
        until(lambda: _serves(http, workers), within=180)
        try:
            yield Installation(team, Server(http), valkey, postgres)
        except AssertionError:
            kept = shutil.copytree(directory, mkdtemp(prefix="faults-"), dirs_exist_ok=True, ignore=_all_but_logs)
            print(f"the logs are kept in {kept}", flush=True)  # noqa: T201
            raise


def _all_but_logs(_directory: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".log")]


def _serves(http: httpx2.Client, workers: int) -> bool:
    try:
        return len(http.get("/v1/workers").json().get("items", ())) >= workers
    except httpx2.TransportError:
        return False
