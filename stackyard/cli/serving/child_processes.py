"""Child processes: each in its own process group, logged to a file, marked, and ended with its parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

RUN_VARIABLE = "STACKYARD_SERVE_RUN"
"""The environment variable that marks the processes of a run, grandchildren included."""

_PR_SET_PDEATHSIG = 1
_MAX_TAIL_BYTES = 2**16
_LIBC = ctypes.CDLL(None)  # loaded here, because a child must not look for libraries between fork and exec


@dataclass(frozen=True)
class ChildCommand:
    """The command line of a child process, and the signals that end it.

    Args:
        name: of the child; its log file has the same name.
        argv: the command line.
        environment: environment variables of this child, on top of those that it inherits.
        needs_token: whether the child inherits the API's token.
        needs_settings: whether the child inherits all other variables, which may have passwords. A program of others
            needs none of them, and does not keep them private.
        orphan_signal: the kernel sends it to the child when the parent is killed (Linux).
        escalation_signal: sent if the child still runs `escalation_delay_s` after SIGTERM; None for none.
        escalation_delay_s: in seconds.

    """

    name: str
    argv: list[str]
    environment: dict[str, str] = field(default_factory=dict[str, str])
    needs_token: bool = False
    needs_settings: bool = True
    orphan_signal: signal.Signals = signal.SIGTERM
    escalation_signal: signal.Signals | None = None
    escalation_delay_s: float = 3.0


@dataclass
class ChildProcess:
    """A command and the process that runs it, if any. `quick_exits` counts consecutive ends soon after a start."""

    command: ChildCommand
    log_path: Path
    cwd: Path
    environment: dict[str, str]
    max_log_bytes: int
    started_at: float = 0.0
    quick_exits: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _log_offset: int = field(default=0, repr=False)

    def start(self) -> None:
        """Start the process. Its output is appended to the log."""
        self.rotate_log()
        parent_pid = os.getpid()
        orphan_signal = self.command.orphan_signal
        with self.log_path.open("ab") as log:
            self._log_offset = log.tell()
            self._process = subprocess.Popen(  # noqa: S603  # our own command line, no shell
                self.command.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.cwd,
                env=self.environment,
                # In its own group, so that Ctrl-C in the terminal reaches only the parent, which decides what to do.
                # Not in its own session: Linux divides the cores among sessions first (autogroup), so the API would
                # compete with a training session as an equal and wait for its turn.
                process_group=0,
                preexec_fn=lambda: _request_orphan_signal(parent_pid, orphan_signal),  # noqa: PLW1509  # no threads here
            )
        self.started_at = time.monotonic()

    @property
    def is_running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def has_ended(self) -> bool:
        """Whether the process was started and has ended."""
        return self._process is not None and self._process.poll() is not None

    @property
    def exit_status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def exit_description(self) -> str:
        """The exit status in words."""
        status = self.exit_status
        if status is not None and status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"exit status {status}"

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, but not to its children."""
        if self._process is not None and self.is_running:
            self._process.send_signal(number)

    def kill_group(self) -> None:
        """Kill the process and its children that stayed in its group."""
        if self._process is None:
            return
        group = self._process.pid
        for process in list_run_processes(self.environment[RUN_VARIABLE], [group]):
            with contextlib.suppress(OSError):
                if os.getpgid(process.pid) == group:
                    _send_signal(process, signal.SIGKILL)
        self._process.wait()

    @property
    def group(self) -> int | None:
        """The id of the process group that the process and its children share; None before the first start."""
        return None if self._process is None else self._process.pid

    def get_identity(self) -> "ProcessIdentity | None":
        """Return a record by which the process can be found later; None if it does not run."""
        if self._process is None or not self.is_running:
            return None
        try:
            created = psutil.Process(self._process.pid).create_time()
        except psutil.Error:
            return None
        return ProcessIdentity(self.command.name, self._process.pid, created, self.command.argv[0])

    def rotate_log(self) -> None:
        """Move a long log to a second file. Both together stay within `max_log_bytes`.

        The process keeps the log open and appends to it, so its content is copied and the file is emptied. A line
        that is written in between is lost. On a full disk, the content is not copied.
        """
        max_bytes = self.max_log_bytes // 2
        if not self.log_path.exists() or self.log_path.stat().st_size <= max_bytes:
            return
        previous_path = self.log_path.with_suffix(".log.1")
        try:
            with self.log_path.open("rb") as log:
                log.seek(-max_bytes, os.SEEK_END)
                previous_path.write_bytes(log.read(max_bytes))
        except OSError:
            previous_path.unlink(missing_ok=True)
        os.truncate(self.log_path, 0)
        self._log_offset = 0

    def read_log_tail(self, lines: int = 15) -> str:
        """Return the last lines that this process wrote."""
        with self.log_path.open("rb") as log:
            log.seek(max(self._log_offset, os.fstat(log.fileno()).st_size - _MAX_TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that was started: its id, its time of creation and its program, because ids are reused."""

    name: str
    pid: int
    created: float
    program: str

    def find_process(self) -> psutil.Process | None:
        """Return the process if it still runs, else None."""
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.created) < 1 and _runs_program(process, self.program)
        except psutil.Error:
            return None
        return process if is_same else None


def list_run_processes(run_id: str, groups: Collection[int]) -> list[psutil.Process]:
    """Return the living processes that carry a run's mark, whatever their parent is now.

    Args:
        run_id: the run.
        groups: the process groups of the run's children. Private processes hide their mark. Those of this user that
            are in one of these groups belong to the run.

    """
    processes: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and _belongs_to_run(process, run_id, groups):
                processes.append(process)
        except (psutil.Error, OSError):
            continue  # it has ended meanwhile, or belongs to another user
    return processes


def _belongs_to_run(process: psutil.Process, run_id: str, groups: Collection[int]) -> bool:
    try:
        return process.environ().get(RUN_VARIABLE) == run_id
    except psutil.AccessDenied:
        return process.uids().real == os.getuid() and os.getpgid(process.pid) in groups


def terminate_processes(processes: Iterable[psutil.Process], patience: float = 2.0) -> int:
    """Terminate processes, which need not be children of this one, and return their number.

    Args:
        processes: may contain a process more than once.
        patience: seconds to wait before the processes that remain are killed.

    """
    distinct = list({process.pid: process for process in processes}.values())
    for process in distinct:
        _send_signal(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(distinct, timeout=patience)
    for process in alive:
        _send_signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=patience)
    return len(distinct)


def _send_signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)  # psutil first checks that the id still belongs to this process


def _runs_program(process: psutil.Process, program: str) -> bool:
    """Return whether a process runs a program. Valkey appends its state to its name, in the same string."""
    return " ".join(process.cmdline()).startswith(program)


def _request_orphan_signal(parent_pid: int, number: signal.Signals) -> None:
    """Ask the kernel for a signal when the parent dies. Runs in the child, between fork and exec."""
    if sys.platform != "linux":
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent_pid:  # the parent died before the call of prctl
        os._exit(1)
