"""The lock that allows one `serve` at a time for a data directory."""

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
class LockHolder:
    """The process that serves a data directory, as the lock file describes it."""

    pid: int
    url: str
    started: str


class DirectoryLock:
    """The right to serve a data directory, held from `__enter__` to `__exit__`.

    The kernel releases the lock when the process ends, however it ends. So a lock file alone means nothing, and its
    content is only read while another process holds the lock.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Acquire the lock.

        Raises:
            CommandError: another process has it; the message names the process.

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
        """Release the lock. The file stays: without it, two processes could lock two files of the same name."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    def write_holder(self, holder: LockHolder) -> None:
        """Write the holder of the lock into its file, for processes that find it locked."""
        text = json.dumps(asdict(holder)).encode()
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))

    def _describe_holder(self) -> str:
        directory = self._path.parent
        with contextlib.suppress(OSError, ValueError, TypeError):
            holder = LockHolder(**json.loads(self._path.read_text()))
            return (
                f"{directory} is already served at {holder.url} by process {holder.pid}, started "
                f"{holder.started}. Use that server, stop it, or choose another --data-dir."
            )
        return f"{directory} is already being served by another process. Stop it, or choose another --data-dir."
