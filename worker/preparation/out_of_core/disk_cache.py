"""A cache of prepared data on disk, one directory for each key, shared by all workers that use the disk.

`KEY/` is complete or does not exist. `KEY.part/` is being written or removed, or was left by a process that died.
`KEY.lock` is locked exclusively to write or remove either directory, and shared to read. Its modification time is the
last use of `KEY/`.
"""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.errors import StorageError
from service.storage.artifact_store import fsync_directory
from service.storage.file_locks import FileLock, try_lock_file
from worker.preparation.arrays import PreparationError
from worker.preparation.out_of_core.disk_writer import translate_write_errors

_POLL_S = 0.05
"""Interval at which to check whether another process has finished writing an entry."""


@dataclass(frozen=True)
class CacheEntry:
    """A directory that stays until its lock is released."""

    directory: Path
    lock: FileLock


class DiskCache:
    """Directories by key. The least recently used are removed first.

    Args:
        root: directory of the cache.
        max_bytes: maximum total size in bytes; directories in use may exceed it.

    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root = root
        self._max_bytes = max_bytes

    def acquire(self, key: str, max_size: int, write: Callable[[Path], None], check: Callable[[], None]) -> CacheEntry:
        """Lock the entry of a key for reading, and write it first if it does not exist.

        If another process writes the same entry, wait for it.

        Args:
            key: of the entry.
            max_size: maximum number of bytes that the entry takes while it is written.
            write: fills an empty directory with files, which are synced to the disk when it returns.
            check: called while another process writes; exceptions that it raises are passed on.

        Raises:
            PreparationError: the entry is larger than the whole cache may be.
            StorageError: the entry cannot be written.

        """
        with translate_write_errors():
            self._root.mkdir(parents=True, exist_ok=True)
        while True:
            check()
            entry = self._find_entry(key)
            if entry is not None:
                return entry
            exclusive = self._lock_key(key, shared=False)
            if exclusive is None:
                time.sleep(_POLL_S)
                continue
            with exclusive:
                self._write_entry(key, max_size, write)

    def remove_leftovers(self) -> None:
        """Remove incomplete directories and unused locks of processes that died."""
        with translate_write_errors():
            names = {path.stem for path in self._root.iterdir() if path.suffix} if self._root.is_dir() else set[str]()
        for name in names:
            if not self._entry_path(name).is_dir():
                self._remove_entry(name)

    def _find_entry(self, key: str) -> CacheEntry | None:
        shared = self._lock_key(key, shared=True)
        if shared is None:
            return None
        if not self._entry_path(key).is_dir():
            shared.release()
            return None
        with translate_write_errors():
            os.utime(self._path(key, "lock"))
        return CacheEntry(self._entry_path(key), shared)

    def _write_entry(self, key: str, size: int, write: Callable[[Path], None]) -> None:
        partial = self._path(key, "part")
        try:
            if not self._entry_path(key).is_dir():
                self._make_room(size)
                self._write_partial(partial, write)
                with translate_write_errors():
                    partial.rename(self._entry_path(key))
                    fsync_directory(self._root)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            self._path(key, "lock").unlink(missing_ok=True)
            raise

    def _write_partial(self, partial: Path, write: Callable[[Path], None]) -> None:
        with translate_write_errors():
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
        write(partial)
        with translate_write_errors():
            fsync_directory(partial)

    def _make_room(self, size: int) -> None:
        if size > self._max_bytes:
            raise PreparationError(
                f"The prepared rows need {size:,} bytes on the worker's disk; at most {self._max_bytes:,} are allowed "
                "(STACKYARD_PREPARED_DISK)."
            )
        self.remove_leftovers()
        entries = [path for path in self._root.iterdir() if path.is_dir() and not path.suffix]
        sizes = {path.name: _measure_directory(path) for path in sorted(entries, key=self._get_last_use)}
        for name, entry_size in list(sizes.items()):
            if sum(sizes.values()) + size > self._max_bytes and self._remove_entry(name):
                sizes[name] -= entry_size
        free = shutil.disk_usage(self._root).free
        if size > free:
            raise StorageError(f"The prepared rows need {size:,} bytes on the worker's disk; {free:,} are free.")

    def _remove_entry(self, key: str) -> bool:
        """Remove all files of a key unless it is in use; return whether they were removed."""
        exclusive = self._lock_key(key, shared=False)
        if exclusive is None:
            return False
        with exclusive, translate_write_errors():
            partial = self._path(key, "part")
            shutil.rmtree(partial, ignore_errors=True)
            if self._entry_path(key).is_dir():
                self._entry_path(key).rename(partial)  # first, since a half-removed entry would look complete
                shutil.rmtree(partial, ignore_errors=True)
            self._path(key, "lock").unlink(missing_ok=True)
        return True

    def _get_last_use(self, entry: Path) -> float:
        try:
            return self._path(entry.name, "lock").stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _lock_key(self, key: str, *, shared: bool) -> FileLock | None:
        with translate_write_errors():
            return try_lock_file(self._path(key, "lock"), shared=shared)

    def _entry_path(self, key: str) -> Path:
        return self._root / key

    def _path(self, key: str, suffix: str) -> Path:
        return self._root / f"{key}.{suffix}"


def _measure_directory(directory: Path) -> int:
    sizes: list[int] = []
    for path in directory.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # another process has just removed it
            continue
    return sum(sizes)
