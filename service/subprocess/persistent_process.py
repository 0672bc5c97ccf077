"""A process that answers, kept warm, and started again where it has ended."""

import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from service.subprocess import framing

_ROOT = Path(__file__).resolve().parents[2]
_GRACE_S = 5
"""How long the process may take to be gone, once nothing more is asked of it."""


class Gone(Exception):
    """The process ended before it answered; `status` is how."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"exit status {status}")
        self.status = status


class KeptProcess:
    """Starts with the first question, and again with the next one after its end. Not for many threads at once.

    Args:
        command: what to run. It answers on its standard output what it is asked on its standard input, as
            `service.subprocess.framing.serve` does, which bounds its time by an alarm and ends when nothing comes any more.
        environment: all that it gets of it.
        seconds: after which it is killed, should its own bound fail.

    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], seconds: float) -> None:
        self._command = command
        self._environment = environment
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: Sequence[bytes]) -> list[bytes]:
        """Have it answer.

        Args:
            request: the parts of a frame.

        Returns:
            The answer's.

        Raises:
            Gone: it has ended, or had to be killed because it took too long.

        """
        warm = self._process is not None
        try:
            return self._ask(request)
        except Gone as gone:
            # One that was warm may just have ended for want of work, or been killed meanwhile; a new one has not.
            if warm and gone.status != -signal.SIGALRM:
                return self._ask(request)
            raise

    def kill(self) -> None:
        """End it at once, from any thread; who waits for its answer gets `Gone`."""
        if (process := self._process) is not None:
            process.kill()

    def end(self) -> int | None:
        """Let it end, and say its exit status; None where there is no process."""
        process, self._process = self._process, None
        if process is None:
            return None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what it did not take from us cannot be sent
                    pipe.close()
        try:
            return process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _ask(self, request: Sequence[bytes]) -> list[bytes]:
        process = self._process = self._process or self._start()
        guard = threading.Timer(self._seconds, process.kill)
        guard.start()
        try:
            framing.send(cast("BinaryIO", process.stdin), request)
            return framing.receive(cast("BinaryIO", process.stdout))
        except (OSError, EOFError):
            raise Gone(self.end()) from None
        finally:
            guard.cancel()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # no shell, and every word of it is ours
            self._command,
            cwd=_ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
