"""A cache of compiled functions on disk, for other processes and for the time after a restart."""

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

_DIGEST_BYTES = hashlib.sha256().digest_size


class CompilationCache:
    """Values by key, one file for each. The least recently used are removed first.

    Several processes may use one directory. A file that was cut short is removed when it is read. Where the disk is
    full or cannot be read, nothing is cached.

    Args:
        directory: of the files; it is created. Its files are code: no one else may write to it.
        max_bytes: maximum total size in bytes.
        describe_environment: returns what a compiled function depends on besides its key, such as the processor.

    """

    def __init__(self, directory: Path, max_bytes: int, describe_environment: Callable[[], str]) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._describe_environment = describe_environment
        directory.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> bytes | None:
        """Return the value of a key; None if there is none, or if it is not what was stored."""
        path = self._locate(key)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        value = content[_DIGEST_BYTES:]
        if content[:_DIGEST_BYTES] == hashlib.sha256(value).digest():
            return value
        _remove_file(path)
        return None

    def put(self, key: str, value: bytes) -> None:
        """Store a value, unless it is larger than the whole cache may be."""
        if len(value) + _DIGEST_BYTES > self._max_bytes:
            return
        path = self._locate(key)
        partial = path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(OSError):
            self._make_room(len(value) + _DIGEST_BYTES)
            partial.write_bytes(hashlib.sha256(value).digest() + value)
            partial.replace(path)

    def _locate(self, key: str) -> Path:
        return self._directory / hashlib.sha256(f"{self._describe_environment()}\n{key}".encode()).hexdigest()

    def _make_room(self, size: int) -> None:
        """Remove the least recently used files, also those that a killed process left, until `size` bytes fit."""
        files: list[tuple[float, int, Path]] = []
        for path in self._directory.iterdir():
            with contextlib.suppress(OSError):  # another process has just removed it
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        total = size + sum(file_size for _, file_size, _ in files)
        for _, file_size, path in sorted(files):
            if total <= self._max_bytes:
                return
            _remove_file(path)
            total -= file_size


def _remove_file(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
