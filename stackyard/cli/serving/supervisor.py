"""The supervisor of `serve`: it starts the broker, migrations, API and workers, restarts and stops them."""

import contextlib
import http.client
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from rich.console import Console
from rich.text import Text

from stackyard.cli.command_error import CommandError
from stackyard.cli.serving import broker
from stackyard.cli.serving.child_processes import (
    RUN_VARIABLE,
    ChildCommand,
    ChildProcess,
    list_run_processes,
    terminate_processes,
)
from stackyard.cli.serving.run_state import RunState
from stackyard.cli.serving.serve_plan import (
    ServePlan,
    build_server_commands,
    read_cancel_grace_s,
    read_max_log_bytes,
)
from stackyard.secret_files import read_secret

_TOKEN_VARIABLES = frozenset(
    {"STACKYARD_TOKEN", "STACKYARD_TOKEN_FILE", "STACKYARD_METRICS_TOKEN", "STACKYARD_METRICS_TOKEN_FILE"}
)
_PLAIN_VARIABLES = frozenset({"LANG", "LD_LIBRARY_PATH", "PATH", "STACKYARD_DATA_DIR", "TMPDIR", "TZ", RUN_VARIABLE})
_POLL_INTERVAL_S = 0.05
_BROKER_START_TIMEOUT_S = 10.0
_MIGRATION_TIMEOUT_S = 300.0
_QUICK_EXIT_S = 10.0
_MAX_QUICK_EXITS = 3
_MAX_RESTART_DELAY_S = 30.0
_READINESS_INTERVAL_S = 0.2
# A worker ends soon, unless a job does not stop when asked. With the default grace of ten seconds for a job, the whole
# stop stays under the promised twenty seconds.
_STOP_AFTER_GRACE_S = 7.0
_BROKER_STOP_TIMEOUT_S = 1.0


class _StopRequested(Exception):  # not an error: the user pressed Ctrl-C
    """A signal asked the server to stop, which interrupts every wait."""


class Supervisor:
    """Runs a plan until a signal arrives. A child that ends is started again, after a pause that grows.

    Until the server is ready for the first time, a child that repeatedly fails to stay up ends the server: the cause
    is probably a wrong setting, and the user is still looking.
    """

    def __init__(self, plan: ServePlan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._run_id = uuid.uuid4().hex
        self._started_at = time.monotonic()
        self._signal_count = 0
        self._is_ready = False
        self._readiness_checked_at = 0.0
        self._socket_path = (
            None if os.environ.get("STACKYARD_BROKER_URL") else broker.prepare_socket_path(plan.data_dir)
        )
        self._environment = self._build_environment()
        self._broker: ChildProcess | None = None
        self._servers: list[ChildProcess] = []
        self._restart_times: dict[str, float] = {}

    def run(self) -> None:
        """Start all processes, watch them, and stop them all when a signal asks for it.

        Raises:
            CommandError: a process could not be started or did not stay up. The others have been stopped.

        """
        with self._handle_signals():
            try:
                self._start_processes()
                while True:
                    self._check_children()
                    self._rotate_logs()
                    self._check_readiness()
                    self._sleep()
            except _StopRequested:
                self._print_message("stopping")
            finally:
                self._stop_processes()
        self._print_message("stopped")

    # Start

    def _start_processes(self) -> None:
        self._plan.log_dir.mkdir(exist_ok=True)
        self._print_addresses()
        self._run_state = self._build_run_state()
        self._write_run_state()
        if self._socket_path is not None:
            if broker.stop_leftover(self._socket_path):
                self._print_message("stopped a broker that an earlier run had left behind")
            argv = broker.build_broker_command(self._socket_path)
            self._broker = self._create_child(ChildCommand("broker", argv, needs_settings=False))
            self._start_broker(self._broker, self._socket_path)
        self._migrate_database()
        self._servers = [self._create_child(command) for command in build_server_commands(self._plan)]
        for child in self._servers:
            child.start()
        self._write_run_state()

    def _start_broker(self, child: ChildProcess, socket_path: Path) -> None:
        child.start()
        self._wait_until(lambda: child.has_ended or broker.is_up(socket_path), _BROKER_START_TIMEOUT_S)
        if not broker.is_up(socket_path):
            raise _build_child_error(child, "does not answer")

    def _migrate_database(self) -> None:
        child = self._create_child(ChildCommand("migrate", [sys.executable, "-m", "migrations"]))
        child.start()
        try:
            self._wait_until(lambda: child.has_ended, _MIGRATION_TIMEOUT_S)
            if child.exit_status != 0:
                raise _build_child_error(child, f"failed ({child.exit_description})")
        finally:
            child.kill_group()

    def _create_child(self, command: ChildCommand) -> ChildProcess:
        return ChildProcess(
            command,
            self._plan.log_dir / f"{command.name}.log",
            cwd=self._plan.source_dir,
            environment=self._select_environment(command) | command.environment,
            max_log_bytes=read_max_log_bytes(),
        )

    def _select_environment(self, command: ChildCommand) -> dict[str, str]:
        """Return the variables that a child inherits. Names of settings do not depend on upper or lower case."""
        if not command.needs_settings:
            return {name: value for name, value in self._environment.items() if name in _PLAIN_VARIABLES}
        if command.needs_token:
            return self._environment
        return {name: value for name, value in self._environment.items() if name.upper() not in _TOKEN_VARIABLES}

    def _build_environment(self) -> dict[str, str]:
        data_dir = self._plan.data_dir
        environment = dict(os.environ)
        environment.setdefault("STACKYARD_DATABASE_URL", f"sqlite:///{data_dir / 'stackyard.db'}")
        if self._socket_path is not None:
            environment["STACKYARD_BROKER_URL"] = broker.build_broker_url(self._socket_path)
        environment |= {"STACKYARD_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1", RUN_VARIABLE: self._run_id}
        return environment

    # Watch

    def _check_children(self) -> None:
        for child in self._list_children():
            if child.command.name in self._restart_times:
                self._restart_if_due(child)
            elif child.has_ended:
                self._schedule_restart(child)

    def _schedule_restart(self, child: ChildProcess) -> None:
        child.kill_group()
        was_quick = time.monotonic() - child.started_at < _QUICK_EXIT_S
        child.quick_exits = child.quick_exits + 1 if was_quick else 0
        if child.quick_exits >= _MAX_QUICK_EXITS and not self._is_ready:
            raise _build_child_error(
                child, f"ended {_MAX_QUICK_EXITS} times right after its start ({child.exit_description})"
            )
        self._pause_before_restart(child, f"ended ({child.exit_description})")

    def _pause_before_restart(self, child: ChildProcess, reason: str) -> None:
        delay = min(0.5 * 2 ** min(child.quick_exits, 16), _MAX_RESTART_DELAY_S)
        self._print_message(f"{child.command.name} {reason}; starting it again in {delay:g} s", "yellow")
        self._restart_times[child.command.name] = time.monotonic() + delay

    def _restart_if_due(self, child: ChildProcess) -> None:
        if time.monotonic() < self._restart_times[child.command.name]:
            return
        del self._restart_times[child.command.name]
        if child is self._broker and self._socket_path is not None:
            self._socket_path.unlink(missing_ok=True)
        try:
            child.start()
        except OSError as error:  # too little memory or too many processes, which may be different in a moment
            child.quick_exits += 1
            self._pause_before_restart(child, f"cannot be started ({error.strerror})")
        self._write_run_state()

    def _rotate_logs(self) -> None:
        for child in self._list_children():
            with contextlib.suppress(OSError):  # a failing disk is no reason to stop running processes
                child.rotate_log()

    def _check_readiness(self) -> None:
        if self._is_ready or time.monotonic() < self._readiness_checked_at + _READINESS_INTERVAL_S:
            return
        self._is_ready = _is_server_ready(self._plan.address.url)
        self._readiness_checked_at = time.monotonic()
        if self._is_ready:
            self._write_run_state()
            seconds = time.monotonic() - self._started_at
            self._print_message(f"ready after {seconds:.1f} s; Ctrl-C stops everything", "green")

    def _list_children(self) -> list[ChildProcess]:
        return [*([self._broker] if self._broker else []), *self._servers]

    # Stop

    def _stop_processes(self) -> None:
        stop_requested_at = time.monotonic()
        for child in self._servers:
            child.send_signal(signal.SIGTERM)
        self._wait_for_exit(self._servers, stop_requested_at, read_cancel_grace_s() + _STOP_AFTER_GRACE_S)
        if self._broker is not None:
            self._broker.send_signal(signal.SIGTERM)
            self._wait_for_exit([self._broker], time.monotonic(), _BROKER_STOP_TIMEOUT_S)
        groups = [child.group for child in self._list_children() if child.group is not None]
        terminate_processes(list_run_processes(self._run_id, groups), patience=0.5)
        self._plan.run_state_path.unlink(missing_ok=True)
        if self._socket_path is not None:
            broker.remove_socket(self._socket_path)

    def _wait_for_exit(self, children: list[ChildProcess], stop_requested_at: float, timeout: float) -> None:
        """Wait for children to end, escalate where their commands say so, and kill those that remain.

        A second signal to this process skips the wait.
        """
        escalated: set[str] = set()
        while any(child.is_running for child in children) and self._signal_count <= 1:
            elapsed = time.monotonic() - stop_requested_at
            if elapsed > timeout:
                break
            for child in children:
                command = child.command
                is_late = elapsed > command.escalation_delay_s
                if command.escalation_signal and is_late and command.name not in escalated:
                    escalated.add(command.name)
                    child.send_signal(command.escalation_signal)
            time.sleep(_POLL_INTERVAL_S)
        for child in children:
            child.kill_group()

    # Signals and waiting

    @contextlib.contextmanager
    def _handle_signals(self) -> Generator[None]:
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` ignores it
            numbers.append(signal.SIGHUP)
        previous_handlers = {number: signal.signal(number, self._count_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous_handlers.items():
                signal.signal(number, handler)

    def _count_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signal_count += 1  # nothing more, because a handler runs between any two instructions

    def _sleep(self) -> None:
        if self._signal_count:
            raise _StopRequested
        time.sleep(_POLL_INTERVAL_S)

    def _wait_until(self, condition: Callable[[], bool], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not condition() and time.monotonic() < deadline:
            self._sleep()

    # Output

    def _print_addresses(self) -> None:
        for title, text in (
            ("url", self._plan.address.url),
            ("data", str(self._plan.data_dir)),
            ("database", self._format_database_url()),
            ("logs", str(self._plan.log_dir)),
        ):
            self._console.print(Text.assemble((f"{title:>10}  ", "bold"), text))

    def _build_run_state(self) -> RunState:
        return RunState(
            run=self._run_id,
            pid=os.getpid(),
            url=self._plan.address.url,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            data_dir=str(self._plan.data_dir),
            database=self._format_database_url(),
            logs=str(self._plan.log_dir),
        )

    def _write_run_state(self) -> None:
        self._run_state.ready = self._is_ready
        self._run_state.processes = [identity for child in self._list_children() if (identity := child.get_identity())]
        try:
            self._run_state.write(self._plan.run_state_path)
        except OSError as error:  # a full disk is no reason to stop running processes
            self._print_message(f"Cannot write {self._plan.run_state_path.name}: {error.strerror}", "yellow")

    def _format_database_url(self) -> str:
        return _hide_password(self._environment["STACKYARD_DATABASE_URL"])

    def _print_message(self, message: str, style: str = "") -> None:
        with contextlib.suppress(OSError):  # the output may go to a full disk, too
            self._console.print(Text.assemble(("serve  ".rjust(12), "bold"), (message, style)))


def _build_child_error(child: ChildProcess, reason: str) -> CommandError:
    message = f"{child.command.name} {reason}. Its log, {child.log_path}, ends with:"
    return CommandError(message, child.read_log_tail())


def _is_server_ready(url: str) -> bool:
    """Return whether the API reports that all processes of the server are ready.

    A server with users refuses to tell without a token of theirs. It has read its database to know about them.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=1.0)
    token = read_secret("STACKYARD_TOKEN")
    try:
        connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {token}"} if token else {})
        return connection.getresponse().status in {http.HTTPStatus.OK, http.HTTPStatus.UNAUTHORIZED}
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _hide_password(url: str) -> str:
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@", 1) if password else url
