"""A server under test: the process tree of `stackyard serve`, with access to its processes by role."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx2
import psutil

from service.db.database import SessionFactory
from stackyard.cli.serving import broker
from tests.polling import wait_until
from tests.servers.postgres import Postgres
from tests.servers.valkey import find_free_port

INJECTED = Path(__file__).parent / "injected"
_ROOT = Path(__file__).parents[2]
QUICK = {
    "STACKYARD_LEASE_S": "4",
    "STACKYARD_HEARTBEAT_S": "0.5",
    "STACKYARD_RECONCILE_S": "0.5",
    "STACKYARD_FLUSH_S": "0.2",
    "STACKYARD_CHECKPOINT_S": "0.5",
    "STACKYARD_THREADS": "1",
}
"""Settings with which a loss is noticed within seconds, every job writes checkpoints, and results have equal bits."""
_START_S = 180.0


class Installation:
    """A server with its own directory. A supervising thread restarts `serve` when it ends.

    Args:
        directory: where the data lie.
        database_url: the URL of an empty PostgreSQL database; empty for SQLite in the directory.
        workers: the number of jobs that train at once.
        team: whether half of the jobs train in a worker outside `serve`, as on another machine of a team.
        own_api: whether clients talk to an API outside `serve`, which is restarted at once, without a limit.
        variables: settings in addition to those of `QUICK`.

    """

    def __init__(
        self,
        directory: Path,
        database_url: str = "",
        *,
        workers: int = 2,
        team: bool = False,
        own_api: bool = False,
        **variables: str,
    ) -> None:
        self.directory = directory
        self.data_dir = directory / "data"
        self.chaos = directory / "chaos"
        self.database_url = database_url or f"sqlite:///{self.data_dir / 'stackyard.db'}"
        self.port = find_free_port()
        self.starts = 0
        self.tokens: list[str] = []
        """The tokens of users, of whom the first is an admin; empty on a server without users."""
        self.postgres: Postgres | None = None
        """The database server, if the database is PostgreSQL."""
        self._workers = max(1, workers // 2) if team else workers
        self._variables = variables
        self._server: subprocess.Popen[bytes] | None = None
        self._extra_names = [name for name, is_needed in (("teammate", team), ("api", own_api)) if is_needed]
        """The processes outside `serve`, which only this object supervises."""
        self._extras: dict[str, subprocess.Popen[bytes]] = {}
        self._extra_port = find_free_port()
        self._closing = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._log = directory / "serve.log"

    def __enter__(self) -> Self:
        for directory in (self.data_dir, self.chaos):
            directory.mkdir(parents=True, mode=0o700)
        self._start_serve()
        self._supervisor.start()
        wait_until(self.is_ready, within=_START_S, every=0.1)
        for name in self._extra_names:
            self._start_extra(name)
        wait_until(self.is_ready, within=_START_S, every=0.1)
        self.sessions = SessionFactory(self.database_url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._supervisor.join()
        for process in self._extras.values():
            _kill_group(process)
        self.sessions.dispose()
        assert self._server is not None
        self._server.send_signal(signal.SIGTERM)
        try:
            self._server.wait(30)
        except subprocess.TimeoutExpired:
            self._server.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._extra_port if 'api' in self._extras else self.port}"

    def create_client(self, user: int = 0) -> httpx2.Client:
        """Return a client of the API, with the token of a user if there are users."""
        headers = {"Authorization": f"Bearer {self.tokens[user % len(self.tokens)]}"} if self.tokens else {}
        return httpx2.Client(base_url=self.url, timeout=30, headers=headers)

    def add_user(self, name: str, **values: Any) -> UUID:
        """Add a user; the first one must be an admin."""
        with self.create_client() as http:
            user = http.post("/v1/users", json={"name": name, **values}).raise_for_status().json()
        self.tokens.append(user["token"]["token"])
        return UUID(user["id"])

    def is_ready(self) -> bool:
        """Return whether the API reports that all its dependencies answer."""
        with contextlib.suppress(httpx2.TransportError), self.create_client() as http:
            return http.get("/readyz", timeout=5).status_code == 200
        return False

    def list_processes(self, role: str) -> list[psutil.Process]:
        """Return the live processes of a role: `serve`, `api`, `broker`, `worker-cpu`, or `child` of a worker."""
        with contextlib.suppress(psutil.Error):
            if role == "serve":
                return [self._get_serve_process()]
            if role == "child":
                return [child for worker in self.list_processes("worker-cpu") for child in _list_children(worker)]
            if role == "api" and role in self._extras:
                return [psutil.Process(self._extras[role].pid)]
            pids = [pid for name, pid in self._read_recorded_processes() if name == role]
            if role == "worker-cpu" and "teammate" in self._extras:
                pids.append(self._extras["teammate"].pid)
            return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
        return []

    def artifact_path(self, sha256: str) -> Path:
        """Return the path at which the artifact store keeps a file, if it has it."""
        return self.data_dir / "sha256" / sha256[:2] / sha256

    def list_logs(self) -> Iterator[Path]:
        """Yield the log files of the processes."""
        yield self._log
        yield from (self.directory / f"{name}.log" for name in self._extras)
        yield from sorted((self.data_dir / "logs").glob("*.log*"))

    def _get_serve_process(self) -> psutil.Process:
        assert self._server is not None
        return psutil.Process(self._server.pid)

    def _read_recorded_processes(self) -> list[tuple[str, int]]:
        with contextlib.suppress(OSError, ValueError):
            record = json.loads((self.data_dir / "serve.json").read_text())
            return [(process["name"], process["pid"]) for process in record["processes"]]
        return []

    def _start_serve(self) -> None:
        command = [sys.executable, "-m", "stackyard", "serve", "--port", str(self.port)]
        command += ["--data-dir", str(self.data_dir), "--workers", str(self._workers)]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(command, env=self._build_environment(), stdout=log, stderr=log)
        self.starts += 1

    def _start_extra(self, name: str) -> None:
        if name == "api":
            command = ["api", "--host", "127.0.0.1", "--port", str(self._extra_port)]
        else:
            command = ["celery", "--app", "worker.celery_app:app", "worker", "--concurrency", "1"]
            command += ["--hostname", "team@%h"]
            command += ["--without-mingle", "--without-gossip", "--loglevel", "INFO"]
        variables = {
            "STACKYARD_BROKER_URL": broker.build_broker_url(broker.prepare_socket_path(self.data_dir)),
            "STACKYARD_DATA_DIR": str(self.data_dir),
            "STACKYARD_NEIGHBOURS": str(self._workers),
        }
        with (self.directory / f"{name}.log").open("ab") as log:
            self._extras[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=self._build_environment() | variables,
                stdout=log,
                stderr=log,
                cwd=_ROOT,
                start_new_session=True,
            )

    def _build_environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("STACKYARD_")}
        own = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(INJECTED), os.environ.get("PYTHONPATH")])),
            "STACKYARD_CHAOS": str(self.chaos),
            "STACKYARD_DATABASE_URL": self.database_url,
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        return inherited | QUICK | own | self._variables

    def _supervise(self) -> None:
        while not self._closing.wait(0.2):
            if self._server is not None and self._server.poll() is not None:
                time.sleep(0.5)
                self._start_serve()
            for name, process in list(self._extras.items()):
                if process.poll() is not None:
                    self._start_extra(name)


@contextlib.contextmanager
def start_installation(
    database: str, mount: Callable[[Path], AbstractContextManager[None]] | None = None, **options: Any
) -> Iterator[Installation]:
    """Start an installation on `sqlite`, or a team's on `postgres`, whose data lie in another directory.

    `mount` prepares the installation's directory, and is undone at the end.
    """
    with contextlib.ExitStack() as stack:
        directory, database_directory = _create_directory(stack), _create_directory(stack)
        if mount is not None:
            stack.enter_context(mount(directory))
        postgres = _start_postgres(database_directory / "pg", stack) if database == "postgres" else None
        url = "" if postgres is None else postgres.create_database("stackyard")
        installation = stack.enter_context(Installation(directory, url, team=postgres is not None, **options))
        installation.postgres = postgres
        yield installation


def _create_directory(stack: contextlib.ExitStack) -> Path:
    temporary = TemporaryDirectory(prefix="chaos-", dir="/tmp", ignore_cleanup_errors=True)
    return Path(stack.enter_context(temporary))


def _start_postgres(directory: Path, stack: contextlib.ExitStack) -> Postgres:
    directory.mkdir(mode=0o755)
    postgres = Postgres(directory)
    stack.callback(postgres.close)
    return postgres


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _list_children(worker: psutil.Process) -> list[psutil.Process]:
    return [child for child in worker.children() if any("spawn_main" in word for word in child.cmdline())]
