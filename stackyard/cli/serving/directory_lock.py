"""One `serve` at a time for a data directory."""

import contextlib
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from stackyard.cli.command_error import CommandError


@dataclass(frozen=True)
class Holder:
    """Who serves a data directory."""

    pid: int
    url: str
    started: str


class DirectoryLock:
    """The right to serve a data directory, held from `__enter__` to `__exit__`.

    The kernel gives it back when the process ends, however it ends; so a lock file that lies around means
    nothing, and what it says is only read when somebody holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            CommandError: another process has it; the message names it.

        """
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = self._describe_holder()
            os.close(self._descriptor)
            raise CommandError(message) from None
        os.ftruncate(self._descriptor, 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back. The file stays: to remove it would let two processes hold two files of one name."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    def announce(self, holder: Holder) -> None:
        """Write who holds the lock, for whoever finds it taken."""
        text = json.dumps(asdict(holder)).encode()
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))

    def _describe_holder(self) -> str:
        directory = self._path.parent
        with contextlib.suppress(OSError, ValueError, TypeError):
            holder = Holder(**json.loads(self._path.read_text()))
            return (
                f"{directory} is already served at {holder.url} by process {holder.pid}, started "
                f"{holder.started}. Use that server, stop it, or choose another --data-dir."
            )
        return f"{directory} is already being served by another process. Stop it, or choose another --data-dir."
