"""A real Valkey on a port of this machine, behind a password, that can be taken away in every way that brokers go."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from stackyard.cli.serving import broker
from tests.waiting import until

PASSWORD = "pass/word@1"  # noqa: S105 signs that a URL must escape
ESCAPED_PASSWORD = "pass%2Fword%401"  # noqa: S105


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as free:
        free.bind((host, 0))
        return int(free.getsockname()[1])


class Valkey:
    """As a context manager: it runs from the block's beginning to its end, with the gaps that the block makes."""

    def __init__(self, directory: Path, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()) -> None:
        self.host, self.port = host, free_port()
        self._directory = directory
        self._prefix = prefix
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://:{ESCAPED_PASSWORD}@{self.host}:{self.port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.kill()

    def start(self) -> None:
        """Start it anew: it remembers nothing."""
        command = [*self._prefix, *broker.command(self._directory / "valkey.sock")]
        own = {"--port": str(self.port), "--requirepass": PASSWORD, "--bind": self.host}
        command[command.index("--port") :] = [word for pair in own.items() for word in pair]
        command += ["--save", "", "--dir", str(self._directory)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self.answers)

    def kill(self) -> None:
        """Kill -9: connections are reset, and messages are lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def flush(self) -> None:
        """Forget every message, and every queue."""
        assert self._ask("FLUSHALL") == b"+OK"

    def freeze(self) -> None:
        """Answer nobody any more; connections stay, and new ones are accepted, as from a machine that hangs."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)
        until(self.answers)

    def answers(self) -> bool:
        try:
            return self._ask("PING") == b"+PONG"
        except OSError:
            return False

    def _ask(self, word: str) -> bytes:
        with socket.create_connection((self.host, self.port), timeout=5) as connection:
            connection.sendall(f"AUTH {PASSWORD}\r\n{word}\r\n".encode())
            with connection.makefile("rb") as answers:
                assert answers.readline() == b"+OK\r\n"
                return answers.readline().strip()
