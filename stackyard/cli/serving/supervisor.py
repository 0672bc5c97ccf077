"""The process tree of `serve`: broker, migrations, API and workers; started, watched, and stopped."""

import contextlib
import http.client
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from rich.console import Console
from rich.text import Text

from stackyard.cli.command_error import CommandError
from stackyard.cli.serving import broker
from stackyard.cli.serving.address import Address
from stackyard.cli.serving.child_processes import MARK, Child, Command, end_all, marked
from stackyard.cli.serving.run_state import Record

_TICK = 0.05
_BROKER_START = 10.0
_MIGRATION = 300.0
_QUICK_END = 10.0
_QUICK_ENDS = 3
_LONGEST_BACKOFF = 10.0
_READY_INTERVAL = 0.2
# A worker ends in a second or two, unless a job does not stop when asked: with the ten seconds that it then has, all
# of these stay under the twenty in which a stop is promised.
_GRACE = 10.0
_INSIST_AFTER_GRACE = 4.0
_STOP_AFTER_GRACE = 7.0
_STOP_BROKER = 1.0


class _StopWanted(Exception):  # not an error: somebody pressed Ctrl-C
    """A signal asked for the end; what is being waited for does not matter any more."""


@dataclass(frozen=True)
class Plan:
    """What to run.

    Args:
        address: where the API listens.
        data_dir: absolute; artifacts, database, logs and the broker's socket lie in it.
        rooms: the directory in which the server's packages lie.
        workers: jobs that train at the same time on CPU cores.
        gpus: jobs that train at the same time, each on a GPU of its own.
        threads: TensorFlow's intra-op threads for each of them; 0 shares the cores out among all.

    """

    address: Address
    data_dir: Path
    rooms: Path
    workers: int
    gpus: int = 0
    threads: int = 0

    @property
    def logs(self) -> Path:
        """Where each child's output goes."""
        return self.data_dir / "logs"

    @property
    def record(self) -> Path:
        """What a running server says about itself."""
        return self.data_dir / "serve.json"


class Supervisor:
    """Runs a plan until a signal or a child that will not stay up ends it."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._run = uuid.uuid4().hex
        self._started = time.monotonic()
        self._signals = 0
        self._ready = False
        self._asked_ready = 0.0
        self._socket = None if os.environ.get("STACKYARD_BROKER_URL") else broker.socket_path(plan.data_dir)
        self._environment = self._describe_environment()
        self._broker: Child | None = None
        self._servers: list[Child] = []
        self._restarts: dict[str, float] = {}

    def run(self) -> None:
        """Start everything, watch it, and stop it all when told to.

        Raises:
            CommandError: something could not be started or did not stay up; the rest is stopped by then.

        """
        with self._catching_signals():
            try:
                self._start()
                while True:
                    self._look_after_children()
                    self._look_whether_ready()
                    self._pause()
            except _StopWanted:
                self._say("stopping")
            finally:
                self._stop()
        self._say("stopped")

    # Starting

    def _start(self) -> None:
        self._plan.logs.mkdir(exist_ok=True)
        self._announce()
        if self._socket is not None:
            if broker.stop_leftover(self._socket):
                self._say("stopped a broker that an earlier run had left behind")
            self._broker = self._child(Command("broker", broker.command(self._socket)))
            self._start_broker(self._broker, self._socket)
        self._migrate()
        self._servers = [self._child(command) for command in self._commands()]
        for child in self._servers:
            child.start()
        self._write_record()

    def _start_broker(self, child: Child, path: Path) -> None:
        child.start()
        self._wait_until(lambda: child.ended or broker.is_up(path), _BROKER_START)
        if not broker.is_up(path):
            raise _gave_up(child, "does not answer")

    def _migrate(self) -> None:
        child = self._child(Command("migrate", [sys.executable, "-m", "migrations"]))
        child.start()
        try:
            self._wait_until(lambda: child.ended, _MIGRATION)
            if child.status != 0:
                raise _gave_up(child, f"failed ({child.how_it_ended})")
        finally:
            child.kill_group()

    def _commands(self) -> list[Command]:
        address = self._plan.address
        api = [sys.executable, "-m", "uvicorn", "--factory", "api.app:create_app"]
        api += ["--host", address.host, "--port", str(address.port)]
        api += ["--no-server-header", "--log-level", "info", "--timeout-graceful-shutdown", "5"]
        api += ["--timeout-keep-alive", "75"]  # longer than clients keep a connection: the one who asks is to close it
        commands = [Command("api", api)]
        numbers = {"cpu": self._plan.workers, "gpu": self._plan.gpus}
        for device, number in numbers.items():
            if number:
                neighbours = sum(numbers.values()) - number
                commands.append(_worker(device, number, neighbours, self._plan.threads))
        return commands

    def _child(self, command: Command) -> Child:
        log = self._plan.logs / f"{command.name}.log"
        return Child(command, log, cwd=self._plan.rooms, environment=self._environment | command.settings)

    def _describe_environment(self) -> dict[str, str]:
        data_dir = self._plan.data_dir
        environment = dict(os.environ)
        environment.setdefault("STACKYARD_DATABASE_URL", f"sqlite:///{data_dir / 'stackyard.db'}")
        if self._socket is not None:
            environment["STACKYARD_BROKER_URL"] = broker.url(self._socket)
        environment |= {"STACKYARD_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1", MARK: self._run}
        return environment

    # Watching

    def _look_after_children(self) -> None:
        for child in self._children():
            if child.command.name in self._restarts:
                self._restart_when_due(child)
            elif child.ended:
                self._plan_restart(child)

    def _plan_restart(self, child: Child) -> None:
        child.kill_group()
        quick = time.monotonic() - child.started < _QUICK_END
        child.quick_ends = child.quick_ends + 1 if quick else 0
        if child.quick_ends >= _QUICK_ENDS:
            raise _gave_up(child, f"ended {_QUICK_ENDS} times right after its start ({child.how_it_ended})")
        delay = min(0.5 * 2**child.quick_ends, _LONGEST_BACKOFF)
        self._say(f"{child.command.name} ended ({child.how_it_ended}); starting it again in {delay:g} s", "yellow")
        self._restarts[child.command.name] = time.monotonic() + delay

    def _restart_when_due(self, child: Child) -> None:
        if time.monotonic() >= self._restarts[child.command.name]:
            del self._restarts[child.command.name]
            if child is self._broker and self._socket is not None:
                self._socket.unlink(missing_ok=True)
            child.start()
            self._write_record()

    def _look_whether_ready(self) -> None:
        if self._ready or time.monotonic() < self._asked_ready + _READY_INTERVAL:
            return
        self._ready = _is_ready(self._plan.address.url)
        self._asked_ready = time.monotonic()
        if self._ready:
            self._write_record()
            seconds = time.monotonic() - self._started
            self._say(f"ready after {seconds:.1f} s; Ctrl-C stops everything", "green")

    def _children(self) -> list[Child]:
        return [*([self._broker] if self._broker else []), *self._servers]

    # Stopping

    def _stop(self) -> None:
        begun = time.monotonic()
        for child in self._servers:
            child.send(signal.SIGTERM)
        self._wait_for_end(self._servers, begun, _grace() + _STOP_AFTER_GRACE)
        if self._broker is not None:
            self._broker.send(signal.SIGTERM)
            self._wait_for_end([self._broker], time.monotonic(), _STOP_BROKER)
        end_all(marked(self._run), patience=0.5)
        self._plan.record.unlink(missing_ok=True)
        if self._socket is not None:
            broker.clear(self._socket)

    def _wait_for_end(self, children: list[Child], begun: float, patience: float) -> None:
        """Wait, insist where a child knows a firmer signal, kill what is left; a second signal hurries."""
        insisted: set[str] = set()
        while any(child.running for child in children) and self._signals <= 1:
            elapsed = time.monotonic() - begun
            if elapsed > patience:
                break
            for child in children:
                command = child.command
                if command.insist and elapsed > command.insist_after and command.name not in insisted:
                    insisted.add(command.name)
                    child.send(command.insist)
            time.sleep(_TICK)
        for child in children:
            child.kill_group()

    # Signals, waiting, and what is said

    @contextlib.contextmanager
    def _catching_signals(self) -> Generator[None]:
        wanted = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under `nohup`
            wanted.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._note_signal) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1  # no more than this: a handler runs between any two instructions

    def _pause(self) -> None:
        if self._signals:
            raise _StopWanted
        time.sleep(_TICK)

    def _wait_until(self, condition: Callable[[], bool], patience: float) -> None:
        deadline = time.monotonic() + patience
        while not condition() and time.monotonic() < deadline:
            self._pause()

    def _announce(self) -> None:
        plan = self._plan
        database = _without_password(self._environment["STACKYARD_DATABASE_URL"])
        for name, value in (
            ("url", plan.address.url),
            ("data", str(plan.data_dir)),
            ("database", database),
            ("logs", str(plan.logs)),
        ):
            self._console.print(Text.assemble((f"{name:>10}  ", "bold"), value))
        self._record = Record(
            run=self._run,
            pid=os.getpid(),
            url=plan.address.url,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            data_dir=str(plan.data_dir),
            database=database,
            logs=str(plan.logs),
        )
        self._write_record()

    def _write_record(self) -> None:
        self._record.ready = self._ready
        self._record.processes = [identity for child in self._children() if (identity := child.identity())]
        try:
            self._record.write(self._plan.record)
        except OSError as error:  # a full disk is no reason to stop what runs
            self._say(f"{self._plan.record.name} could not be written: {error.strerror}", "yellow")

    def _say(self, message: str, style: str = "") -> None:
        with contextlib.suppress(OSError):  # where the output goes to a full disk, too
            self._console.print(Text.assemble(("serve  ".rjust(12), "bold"), (message, style)))


def _worker(device: str, concurrency: int, neighbours: int, threads: int) -> Command:
    """A Celery worker for a kind of device.

    Asked to end, its children hand back what they train. One that does not come to that is told to be quick after a
    while, and its job is queued again once the lease is over.
    """
    argv = [sys.executable, "-m", "celery", "--app", "worker.celery_app:app", "worker"]
    argv += ["--concurrency", str(concurrency), "--hostname", f"{device}@%h"]
    argv += ["--without-mingle", "--without-gossip", "--loglevel", "INFO"]
    return Command(
        f"worker-{device}",
        argv,
        settings={
            "STACKYARD_DEVICE": device,
            "STACKYARD_NEIGHBOURS": str(neighbours),
            "STACKYARD_THREADS": str(threads),
        },
        orphan_signal=signal.SIGQUIT,
        insist=signal.SIGQUIT,
        insist_after=_grace() + _INSIST_AFTER_GRACE,
    )


def _grace() -> float:
    """Seconds that a job has for stopping, as `service.settings` reads them; it complains of what is no number."""
    try:
        return float(os.environ.get("STACKYARD_CANCEL_GRACE_S", ""))
    except ValueError:
        return _GRACE


def _gave_up(child: Child, what: str) -> CommandError:
    return CommandError(f"{child.command.name} {what}. Its log, {child.log}, ends with:", child.log_tail())


def _is_ready(url: str) -> bool:
    """Whether the API says that every part of the server is ready."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=1.0)
    token = os.environ.get("STACKYARD_TOKEN")
    try:
        connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {token}"} if token else {})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _without_password(url: str) -> str:
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@", 1) if password else url
