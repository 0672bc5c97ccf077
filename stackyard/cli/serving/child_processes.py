"""Child processes: each in a group of its own, logged to a file, marked, and gone with its parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MARK = "STACKYARD_SERVE_RUN"
"""The environment variable by which a run's processes are known, grandchildren included."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # found here, for between fork and exec is no time to look for libraries
_LOG_LIMIT = 10 * 2**20


@dataclass(frozen=True)
class Command:
    """What a child runs, and how it is told to end.

    `settings` are environment variables of its own. `orphan_signal` is what the kernel sends it when its parent is
    killed (Linux); asked to stop it gets SIGTERM, and `insist_after` seconds later `insist`, where that helps.
    """

    name: str
    argv: list[str]
    settings: dict[str, str] = field(default_factory=dict[str, str])
    orphan_signal: signal.Signals = signal.SIGTERM
    insist: signal.Signals | None = None
    insist_after: float = 3.0


@dataclass
class Child:
    """A command and the process that runs it at the moment, if any."""

    command: Command
    log: Path
    cwd: Path
    environment: dict[str, str]
    started: float = 0.0
    quick_ends: int = 0
    """How often in a row it ended soon after its start."""
    _process: subprocess.Popen[bytes] | None = None
    _log_offset: int = field(default=0, repr=False)

    def start(self) -> None:
        """Start the process; its output goes to the end of the log."""
        _rotate(self.log)
        parent = os.getpid()
        orphan_signal = self.command.orphan_signal
        with self.log.open("ab") as log:
            self._log_offset = log.tell()
            self._process = subprocess.Popen(  # noqa: S603  # our own command line, no shell
                self.command.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.cwd,
                env=self.environment,
                # Ctrl-C in the terminal reaches the parent alone, which decides. No session of their own: Linux shares
                # out the cores by session first (autogroup), and the API would wait beside a training for its turn.
                process_group=0,
                preexec_fn=lambda: _die_with(parent, orphan_signal),  # noqa: PLW1509  # there are no threads here
            )
        self.started = time.monotonic()

    @property
    def running(self) -> bool:
        """Whether there is a process that has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def ended(self) -> bool:
        """Whether there was a process and it has ended."""
        return self._process is not None and self._process.poll() is not None

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def how_it_ended(self) -> str:
        """The exit status in words."""
        status = self.status
        if status is not None and status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"exit status {status}"

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, not to its children."""
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def kill_group(self) -> None:
        """Kill what is left of the process and of the children that stayed in its group."""
        if self._process is None:
            return
        group = self._process.pid
        for process in marked(self.environment[MARK]):
            with contextlib.suppress(OSError):
                if os.getpgid(process.pid) == group:
                    _signal(process, signal.SIGKILL)
        self._process.wait()

    def identity(self) -> "Identity | None":
        """The process in a form that can be written down and found again."""
        if self._process is None or not self.running:
            return None
        try:
            created = psutil.Process(self._process.pid).create_time()
        except psutil.Error:
            return None
        return Identity(self.command.name, self._process.pid, created, self.command.argv[0])

    def log_tail(self, lines: int = 15) -> str:
        """The last lines that this process wrote."""
        with self.log.open("rb") as log:
            log.seek(self._log_offset)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])


@dataclass(frozen=True)
class Identity:
    """A process that was started: its id, when, and its program, for ids are used again."""

    name: str
    pid: int
    created: float
    program: str

    def find(self) -> psutil.Process | None:
        """The process, if it still lives."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1 and _runs(process, self.program)
        except psutil.Error:
            return None
        return process if same else None


def marked(run: str) -> list[psutil.Process]:
    """The living processes that carry a run's mark, whoever their parent is now."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == run and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # ended meanwhile, or somebody else's
    return found


def end_all(processes: Iterable[psutil.Process], patience: float = 2.0) -> int:
    """Terminate processes that are nobody's children here, kill what stays; say how many there were."""
    wanted = list({process.pid: process for process in processes}.values())
    for process in wanted:
        _signal(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(wanted, timeout=patience)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=patience)
    return len(wanted)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)  # psutil looks first whether the id is still this process's


def _runs(process: psutil.Process, program: str) -> bool:
    """Whether a process runs a program; Valkey writes its state behind its name, into the same string."""
    return " ".join(process.cmdline()).startswith(program)


def _die_with(parent: int, number: signal.Signals) -> None:
    """In the child, before it becomes the program: ask the kernel for a signal when the parent dies."""
    if sys.platform != "linux":
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:  # it died in between
        os._exit(1)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
