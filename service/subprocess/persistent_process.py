"""A process that answers requests, stays warm between them, and is restarted when it has exited."""

import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from service.subprocess import framing

_ROOT = Path(__file__).resolve().parents[2]
_EXIT_TIMEOUT_S = 5
"""Seconds that the process may take to exit once its pipes are closed."""


class ProcessExited(Exception):
    """The process exited before it responded. `exit_status` is its exit status."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"exit status {status}")
        self.exit_status = status


class PersistentProcess:
    """A process that starts with the first request, and again with the next request after it exited. Not thread-safe.

    Args:
        command: the command to run. It reads requests from standard input and writes responses to standard output
            with `service.subprocess.framing.serve_requests`, which limits its time and ends it when it is idle.
        environment: the complete environment of the process.
        timeout_s: seconds after which a request's process is killed, in case its own time limit fails.

    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], timeout_s: float) -> None:
        self._command = command
        self._environment = environment
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    def request(self, parts: Sequence[bytes]) -> list[bytes]:
        """Send a request and return the response.

        Args:
            parts: the parts of the request's frame.

        Returns:
            The parts of the response's frame.

        Raises:
            ProcessExited: the process exited, or was killed because it took too long.

        """
        was_running = self._process is not None
        try:
            return self._send_request(parts)
        except ProcessExited as exited:
            # A warm process may have exited because it was idle, or have been killed since the last request. Then a
            # new process can answer. After SIGALRM it cannot: the request itself took too long.
            if was_running and exited.exit_status != -signal.SIGALRM:
                return self._send_request(parts)
            raise

    def kill(self) -> None:
        """Kill the process, from any thread. A thread that waits for a response gets `ProcessExited`."""
        if (process := self._process) is not None:
            process.kill()

    def stop(self) -> int | None:
        """Let the process exit and return its exit status, or None if there is no process."""
        process, self._process = self._process, None
        if process is None:
            return None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # buffered data that the process did not read cannot be flushed
                    pipe.close()
        try:
            return process.wait(_EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _send_request(self, request: Sequence[bytes]) -> list[bytes]:
        process = self._process = self._process or self._start_process()
        watchdog = threading.Timer(self._timeout_s, process.kill)
        watchdog.start()
        try:
            framing.send_frame(cast("BinaryIO", process.stdin), request)
            return framing.receive_frame(cast("BinaryIO", process.stdout))
        except (OSError, EOFError):
            raise ProcessExited(self.stop()) from None
        finally:
            watchdog.cancel()

    def _start_process(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # no shell; all arguments are our own
            self._command,
            cwd=_ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
