"""Copies of files by content, the least recently used of which make room for others. Processes share them."""

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.storage.artifact_store import Verified, storing


class FileCache:
    """A bounded directory of copies. Whoever reads one holds a lock on it, which ends with its process.

    Args:
        root: where they lie.
        most: bytes that they may take up together, those aside that are held.
        verified: what this process knows to be right.

    """

    def __init__(self, root: Path, most: int, verified: Verified) -> None:
        self._root = root
        self._most = most
        self._verified = verified

    @contextmanager
    def held(self, sha256: str) -> Generator[Path | None]:
        """A copy that stays and is verified, or None where there is none. One that is not what it should be goes.

        Raises:
            StorageError: the disk does not answer.

        """
        path = self._path(sha256)
        with storing():
            descriptor = _lock(path, fcntl.LOCK_SH)
        if descriptor is None:
            yield None
            return
        try:
            if self._verified.is_right(path, sha256):
                with storing():  # the time of its last use; that of its last change is what its verification hangs on
                    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
                yield path
            else:
                self.drop(sha256)
                yield None
        finally:
            os.close(descriptor)

    @contextmanager
    def put(self, received: Path, sha256: str) -> Generator[Path]:
        """Take a file in, unless it is there, and make room for it; a path under which it stays for a block.

        Raises:
            StorageError: the disk does not take it.

        """
        path = self._path(sha256)
        with storing():
            path.parent.mkdir(exist_ok=True)
            received.chmod(0o644)
            descriptor = _lock(received, fcntl.LOCK_SH)  # and so of whatever other name it gets
        try:
            with storing():
                try:
                    path.hardlink_to(received)
                except FileExistsError:  # its readers hold that very file
                    path = received
                self._make_room()
            yield path
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def drop(self, sha256: str) -> None:
        """Remove a copy, held or not."""
        with suppress(FileNotFoundError):
            self._path(sha256).unlink()

    def _make_room(self) -> None:
        used: list[tuple[int, int, Path]] = []
        for path in self._root.glob("*/*"):
            with suppress(FileNotFoundError):
                stat = path.stat()
                used.append((stat.st_atime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in used)
        for _, size, path in sorted(used):
            if total <= self._most:
                break
            if _remove_unless_held(path):
                total -= size

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256


def _remove_unless_held(path: Path) -> bool:
    try:
        descriptor = _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    if descriptor is not None:
        path.unlink(missing_ok=True)
        os.close(descriptor)
    return True


def _lock(path: Path, kind: int) -> int | None:
    """A lock on a file, as a descriptor; None where no file is there.

    Raises:
        BlockingIOError: `kind` says not to wait, and another holds it.

    """
    while True:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, kind)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # it was removed in between: a lock on it would keep nobody away
