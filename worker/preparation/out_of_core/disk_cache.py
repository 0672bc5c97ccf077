"""Prepared rows in a directory each, by key, shared by all workers that have the same disk.

`KEY/` is whole or not there. `KEY.part/` is being written, or being removed, or was left by a process that is gone.
`KEY.lock` is held alone by whoever writes or removes either, and with others by whoever reads; its age tells when
`KEY/` was last used.
"""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.errors import StorageError
from service.storage.artifact_store import fsync_directory
from worker.preparation.arrays import PreparationError
from worker.preparation.out_of_core.disk_writer import storing
from worker.preparation.out_of_core.file_lock import Lock, lock

_EVERY_S = 0.05
"""How often to look whether another process has written what is wanted."""


@dataclass(frozen=True)
class Taken:
    """A directory that nobody removes until it is released."""

    directory: Path
    lock: Lock


class Shelf:
    """The directories; least recently used out.

    Args:
        root: where they lie.
        most: bytes that they may take up together, but for those that are in use.

    """

    def __init__(self, root: Path, most: int) -> None:
        self._root = root
        self._most = most

    def take(self, key: str, size: int, write: Callable[[Path], None], check: Callable[[], None]) -> Taken:
        """Take what lies under a key, written first where it is not there.

        Where another process is about to write the same, it is waited for.

        Args:
            key: its name.
            size: bytes that it will take up at most while it is written.
            write: fills an empty directory with files that are on the disk for good when it returns.
            check: called while another process is waited for; what it raises passes through.

        Raises:
            PreparationError: it would take up more than all may.
            StorageError: it cannot be written.

        """
        with storing():
            self._root.mkdir(parents=True, exist_ok=True)
        while True:
            check()
            taken = self._find(key)
            if taken is not None:
                return taken
            alone = self._lock(key, shared=False)
            if alone is None:
                time.sleep(_EVERY_S)
                continue
            with alone:
                self._fill(key, size, write)

    def sweep(self) -> None:
        """Remove what processes left that are gone."""
        with storing():
            names = {path.stem for path in self._root.iterdir() if path.suffix} if self._root.is_dir() else set[str]()
        for name in names:
            if not self._place(name).is_dir():
                self._discard(name)

    def _find(self, key: str) -> Taken | None:
        shared = self._lock(key, shared=True)
        if shared is None:
            return None
        if not self._place(key).is_dir():
            shared.release()
            return None
        with storing():
            os.utime(self._path(key, "lock"))
        return Taken(self._place(key), shared)

    def _fill(self, key: str, size: int, write: Callable[[Path], None]) -> None:
        part = self._path(key, "part")
        try:
            if not self._place(key).is_dir():
                self._make_room(size)
                self._write(part, write)
                with storing():
                    part.rename(self._place(key))
                    fsync_directory(self._root)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            self._path(key, "lock").unlink(missing_ok=True)
            raise

    def _write(self, part: Path, write: Callable[[Path], None]) -> None:
        with storing():
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
        write(part)
        with storing():
            fsync_directory(part)

    def _make_room(self, size: int) -> None:
        if size > self._most:
            raise PreparationError(
                f"Prepared, the rows would take up {size:,} bytes on the worker's disk; at most {self._most:,} may "
                "(STACKYARD_PREPARED_DISK)."
            )
        self.sweep()
        places = [place for place in self._root.iterdir() if place.is_dir() and not place.suffix]
        there = {place.name: _size(place) for place in sorted(places, key=self._last_used)}
        for name, bytes_there in list(there.items()):
            if sum(there.values()) + size > self._most and self._discard(name):
                there[name] -= bytes_there
        free = shutil.disk_usage(self._root).free
        if size > free:
            raise StorageError(
                f"Prepared, the rows would take up {size:,} bytes on the worker's disk; {free:,} are free."
            )

    def _discard(self, key: str) -> bool:
        """Remove all of a key that nobody uses, and return whether that was so."""
        alone = self._lock(key, shared=False)
        if alone is None:
            return False
        with alone, storing():
            part = self._path(key, "part")
            shutil.rmtree(part, ignore_errors=True)
            if self._place(key).is_dir():
                self._place(key).rename(part)  # first, for half a directory must not be taken for a whole one
                shutil.rmtree(part, ignore_errors=True)
            self._path(key, "lock").unlink(missing_ok=True)
        return True

    def _last_used(self, place: Path) -> float:
        try:
            return self._path(place.name, "lock").stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _lock(self, key: str, *, shared: bool) -> Lock | None:
        with storing():
            return lock(self._path(key, "lock"), shared=shared)

    def _place(self, key: str) -> Path:
        return self._root / key

    def _path(self, key: str, suffix: str) -> Path:
        return self._root / f"{key}.{suffix}"


def _size(directory: Path) -> int:
    sizes: list[int] = []
    for path in directory.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # another process has just removed it
            continue
    return sum(sizes)
