"""A real Valkey server with a password, which tests can kill, freeze and empty."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from stackyard.cli.serving import broker
from tests.polling import wait_until

PASSWORD = "pass/word@1"  # noqa: S105 with characters that a URL must escape
ESCAPED_PASSWORD = "pass%2Fword%401"  # noqa: S105


def find_free_port(host: str = "127.0.0.1") -> int:
    """Return a port on which no process listens now."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        return int(listener.getsockname()[1])


class Valkey:
    """A context manager: the server runs during the block, which may kill, start, freeze and thaw it."""

    def __init__(self, directory: Path, host: str = "127.0.0.1", prefix: tuple[str, ...] = ()) -> None:
        self.host, self.port = host, find_free_port()
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
        """Start the server without any data."""
        command = [*self._prefix, *broker.build_broker_command(self._directory / "valkey.sock")]
        options = {"--port": str(self.port), "--requirepass": PASSWORD, "--bind": self.host}
        command[command.index("--port") :] = [word for pair in options.items() for word in pair]
        command += ["--save", "", "--dir", str(self._directory)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self.is_up)

    def kill(self) -> None:
        """Kill the server with SIGKILL: connections are reset, and messages are lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def flush(self) -> None:
        """Delete every message and every queue."""
        assert self._send_command("FLUSHALL") == b"+OK"

    def freeze(self) -> None:
        """Stop answering, like a machine that hangs: connections stay open, and new ones are accepted."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)
        wait_until(self.is_up)

    def is_up(self) -> bool:
        try:
            return self._send_command("PING") == b"+PONG"
        except OSError:
            return False

    def _send_command(self, command: str) -> bytes:
        with socket.create_connection((self.host, self.port), timeout=5) as connection:
            connection.sendall(f"AUTH {PASSWORD}\r\n{command}\r\n".encode())
            with connection.makefile("rb") as replies:
                assert replies.readline() == b"+OK\r\n"
                return replies.readline().strip()
