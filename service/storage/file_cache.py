"""Local copies of stored files, shared by processes. Copies that were used least recently make room for new ones."""

import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from service.storage.artifact_store import ChecksumCache, translate_disk_errors
from service.storage.file_locks import lock_file


class FileCache:
    """A directory of copies with a maximum size. A reader locks its copy; the lock ends with its process at latest.

    Args:
        root: directory of the copies.
        max_bytes: maximum size in bytes of all copies together; locked copies do not count.
        checksums: checksums that this process has verified.

    """

    def __init__(self, root: Path, max_bytes: int, checksums: ChecksumCache) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._checksums = checksums

    @contextmanager
    def open_copy(self, sha256: str) -> Generator[Path | None]:
        """Yield the path of a verified copy that is not evicted within the block, or None if there is none.

        A copy whose content does not match its SHA-256 is removed.

        Raises:
            StorageError: the disk failed.

        """
        path = self._path(sha256)
        with translate_disk_errors():
            lock = lock_file(path, shared=True, wait=True)
        if lock is None:
            yield None
            return
        with lock:
            if self._checksums.is_valid(path, sha256):
                with (
                    translate_disk_errors()
                ):  # set the access time, and keep the modification time, which identifies verified files
                    os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
                yield path
            else:
                self.remove_copy(sha256)
                yield None

    @contextmanager
    def add_copy(self, received: Path, sha256: str) -> Generator[Path]:
        """Add a file unless it is in the cache, evict others, and yield a path that stays valid within the block.

        Raises:
            StorageError: the disk failed or is full.

        """
        path = self._path(sha256)
        with translate_disk_errors():
            path.parent.mkdir(exist_ok=True)
            received.chmod(0o600)
            lock = lock_file(received, shared=True, wait=True)  # a lock belongs to the inode, and so to all its names
        try:
            with translate_disk_errors():
                try:
                    path.hardlink_to(received)
                except FileExistsError:  # its readers hold locks on that inode
                    path = received
                self._evict_copies()
            yield path
        finally:
            if lock is not None:
                lock.release()

    def remove_copy(self, sha256: str) -> None:
        """Remove a copy, locked or not."""
        with suppress(FileNotFoundError):
            self._path(sha256).unlink()

    def _evict_copies(self) -> None:
        copies: list[tuple[int, int, Path]] = []
        for path in self._root.glob("*/*"):
            with suppress(FileNotFoundError):
                stat = path.stat()
                copies.append((stat.st_atime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in copies)
        for _, size, path in sorted(copies):
            if total <= self._max_bytes:
                break
            if _remove_unless_locked(path):
                total -= size

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256


def _remove_unless_locked(path: Path) -> bool:
    """Remove a copy unless a reader holds it. Return whether it is gone."""
    try:
        lock = lock_file(path, shared=False, wait=False)
    except BlockingIOError:
        return False
    if lock is not None:
        path.unlink(missing_ok=True)
        lock.release()
    return True
