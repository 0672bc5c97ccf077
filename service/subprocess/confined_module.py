"""Run a module in a process of its own that reads one untrusted file, with limited memory and time."""

import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from service.subprocess.confinement import confine_process
from service.subprocess.environment import build_environment_without_secrets

_ROOT = Path(__file__).resolve().parents[2]
_EXIT_TIMEOUT_S = 5
"""Seconds that the process may take to exit after its own alarm."""
_SINGLE_THREAD_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # other pools reserve gigabytes of address space
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class TimeLimitExceeded(Exception):
    """The process did not end in time."""


class ModuleFailed(Exception):
    """The process ended with an exit status other than 0. `errors` is the end of its standard error."""

    def __init__(self, exit_status: int, errors: str) -> None:
        super().__init__(f"exit status {exit_status}")
        self.exit_status = exit_status
        self.errors = errors


def run_module(name: str, arguments: Sequence[str], timeout_s: int, request: bytes = b"") -> bytes:
    """Run `python -m NAME ARGUMENTS` without this process's secrets, and return its standard output.

    Args:
        name: of a module that calls `limit_process` first.
        arguments: of the command line.
        timeout_s: the same time that the module gives to `limit_process`.
        request: its standard input.

    Raises:
        TimeLimitExceeded: the process did not end in time.
        ModuleFailed: the process ended with another exit status than 0.

    """
    try:
        process = subprocess.run(  # noqa: S603  # no shell; all arguments are our own
            [sys.executable, "-m", name, *arguments],
            cwd=_ROOT,
            env=build_environment_without_secrets() | _SINGLE_THREAD_ENVIRONMENT,
            input=request,
            capture_output=True,
            timeout=timeout_s + _EXIT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeLimitExceeded from None
    if process.returncode == -signal.SIGALRM:
        raise TimeLimitExceeded
    if process.returncode != 0:
        raise ModuleFailed(process.returncode, process.stderr[-2000:].decode(errors="replace"))
    return process.stdout


def limit_process(memory: int, seconds: int) -> None:
    """Confine this process, and limit it, so that it ends even if its parent is gone.

    Args:
        memory: maximum private writable memory in bytes; address space that is merely reserved does not count.
        seconds: after which the process ends with SIGALRM.

    """
    confine_process()
    signal.alarm(seconds)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
