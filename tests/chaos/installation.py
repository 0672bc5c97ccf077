"""A server under test: the process tree of `serve`, as people run it, and its processes by what they do."""

import contextlib
import json
import os
import signal
import socket
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

import httpx2
import psutil

from service.db.database import Sessions
from stackyard.cli.serving import broker
from tests.servers.postgres import Postgres
from tests.waiting import until

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
"""A loss is noticed within seconds, every job writes checkpoints, and every worker computes the same bits."""
_START_S = 180.0


class Installation:
    """A whole server on a directory of its own; whoever supervises `serve` starts it again when it ends.

    Args:
        directory: for its data.
        database_url: of an empty PostgreSQL database; empty for SQLite in the directory.
        workers: jobs that train at once.
        team: whether half of them train in a worker beside `serve`, as on another machine of a team.
        own_api: whether clients talk to an API beside `serve`, which is started again at once however often it ends.
        variables: settings, beside those of `QUICK`.

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
        self.port = _free_port()
        self.starts = 0
        self.postgres: Postgres | None = None
        """Its database, where that can be stopped and started."""
        self._workers = max(1, workers // 2) if team else workers
        self._variables = variables
        self._server: subprocess.Popen[bytes] | None = None
        self._beside = [name for name, wanted in (("teammate", team), ("api", own_api)) if wanted]
        """What runs beside `serve`: nobody supervises it but this one."""
        self._own: dict[str, subprocess.Popen[bytes]] = {}
        self._own_port = _free_port()
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep_up, name="keeper", daemon=True)
        self._log = directory / "serve.log"

    def __enter__(self) -> Self:
        for directory in (self.data_dir, self.chaos):
            directory.mkdir(parents=True, mode=0o700)
        self._start()
        self._keeper.start()
        until(self.ready, within=_START_S, every=0.1)
        for name in self._beside:
            self._start_beside(name)
        until(self.ready, within=_START_S, every=0.1)
        self.sessions = Sessions(self.database_url)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._keeper.join()
        for process in self._own.values():
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
        return f"http://127.0.0.1:{self._own_port if 'api' in self._own else self.port}"

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=30)

    def ready(self) -> bool:
        """Whether every part of it answers."""
        with contextlib.suppress(httpx2.TransportError):
            return httpx2.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False

    def processes(self, part: str) -> list[psutil.Process]:
        """Those that live now: `serve`, `api`, `broker`, `worker-cpu`, or `child` for a worker's own that train."""
        with contextlib.suppress(psutil.Error):
            if part == "serve":
                return [self.serve()]
            if part == "child":
                return [child for worker in self.processes("worker-cpu") for child in _training(worker)]
            if part == "api" and part in self._own:
                return [psutil.Process(self._own[part].pid)]
            pids = [pid for name, pid in self._recorded() if name == part]
            if part == "worker-cpu" and "teammate" in self._own:
                pids.append(self._own["teammate"].pid)
            return [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
        return []

    def serve(self) -> psutil.Process:
        """The process that holds the others."""
        assert self._server is not None
        return psutil.Process(self._server.pid)

    def file(self, sha256: str) -> Path:
        """Where the artifact store has a file, if it has."""
        return self.data_dir / "sha256" / sha256[:2] / sha256

    def logs(self) -> Iterator[Path]:
        """What its processes have said."""
        yield self._log
        yield from (self.directory / f"{name}.log" for name in self._own)
        yield from sorted((self.data_dir / "logs").glob("*.log*"))

    def _recorded(self) -> list[tuple[str, int]]:
        with contextlib.suppress(OSError, ValueError):
            told = json.loads((self.data_dir / "serve.json").read_text())
            return [(process["name"], process["pid"]) for process in told["processes"]]
        return []

    def _start(self) -> None:
        command = [sys.executable, "-m", "stackyard", "serve", "--port", str(self.port)]
        command += ["--data-dir", str(self.data_dir), "--workers", str(self._workers)]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(command, env=self._environment(), stdout=log, stderr=log)
        self.starts += 1

    def _start_beside(self, name: str) -> None:
        if name == "api":
            command = ["uvicorn", "--factory", "api.app:create_app", "--host", "127.0.0.1"]
            command += ["--port", str(self._own_port), "--no-server-header"]
        else:
            command = [
                "celery",
                "--app",
                "worker.celery_app:app",
                "worker",
                "--concurrency",
                "1",
                "--hostname",
                "team@%h",
            ]
            command += ["--without-mingle", "--without-gossip", "--loglevel", "INFO"]
        own = {
            "STACKYARD_BROKER_URL": broker.url(broker.socket_path(self.data_dir)),
            "STACKYARD_DATA_DIR": str(self.data_dir),
            "STACKYARD_NEIGHBOURS": str(self._workers),
        }
        with (self.directory / f"{name}.log").open("ab") as log:
            self._own[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=self._environment() | own,
                stdout=log,
                stderr=log,
                cwd=_ROOT,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("STACKYARD_")}
        own = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(INJECTED), os.environ.get("PYTHONPATH")])),
            "STACKYARD_CHAOS": str(self.chaos),
            "STACKYARD_DATABASE_URL": self.database_url,
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        return inherited | QUICK | own | self._variables

    def _keep_up(self) -> None:
        while not self._closing.wait(0.2):
            if self._server is not None and self._server.poll() is not None:
                time.sleep(0.5)
                self._start()
            for name, process in list(self._own.items()):
                if process.poll() is not None:
                    self._start_beside(name)


@contextlib.contextmanager
def installed(
    database: str, around: Callable[[Path], AbstractContextManager[None]] | None = None, **options: Any
) -> Iterator[Installation]:
    """An installation on `sqlite`, or a team's on `postgres`, which lies elsewhere; `around` goes around the rest."""
    with contextlib.ExitStack() as stack:
        directory, elsewhere = _directory(stack), _directory(stack)
        if around is not None:
            stack.enter_context(around(directory))
        postgres = _postgres(elsewhere / "pg", stack) if database == "postgres" else None
        url = "" if postgres is None else postgres.make("stackyard")
        installation = stack.enter_context(Installation(directory, url, team=postgres is not None, **options))
        installation.postgres = postgres
        yield installation


def _directory(stack: contextlib.ExitStack) -> Path:
    temporary = TemporaryDirectory(prefix="chaos-", dir="/tmp", ignore_cleanup_errors=True)
    return Path(stack.enter_context(temporary))


def _postgres(directory: Path, stack: contextlib.ExitStack) -> Postgres:
    directory.mkdir(mode=0o755)
    postgres = Postgres(directory)
    stack.callback(postgres.close)
    return postgres


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _training(worker: psutil.Process) -> list[psutil.Process]:
    return [child for child in worker.children() if any("spawn_main" in word for word in child.cmdline())]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
