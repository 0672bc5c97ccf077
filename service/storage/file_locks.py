"""Advisory file locks that processes share. The kernel releases a lock when its process ends, however it ends."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self


class FileLock:
    """A lock that is held until it is released or its process ends. As a context manager it releases on exit."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock; further calls do nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_file(path: Path, *, shared: bool, wait: bool, create: bool = False) -> FileLock | None:
    """Lock the file that is at `path` once the lock is held.

    If another process removes or replaces the file in the meantime, it is opened again. A lock on the old file would
    exclude no other process.

    Args:
        path: the file. The holder of an exclusive lock may remove it.
        shared: whether other processes may hold a shared lock at the same time.
        wait: whether to wait for the lock.
        create: whether to create the file if it is missing.

    Returns:
        The lock, or None if the file is missing and `create` is false.

    Raises:
        BlockingIOError: another process holds a conflicting lock, and `wait` is false.

    """
    flags = os.O_CLOEXEC | (os.O_RDWR | os.O_CREAT if create else os.O_RDONLY)
    operation = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    while True:
        try:
            descriptor = os.open(path, flags, 0o644)
        except FileNotFoundError:
            if create:
                raise
            return None
        try:
            fcntl.flock(descriptor, operation)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return FileLock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def try_lock_file(path: Path, *, shared: bool) -> FileLock | None:
    """Lock a file without waiting, and create it if it is missing; return None if another process holds it."""
    try:
        return lock_file(path, shared=shared, wait=False, create=True)
    except BlockingIOError:
        return None
