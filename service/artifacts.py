"""Files by content: what is stored under a SHA-256 has it, whole, or is not there."""

import hashlib
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Stored:
    """A file in the store: its SHA-256 in hexadecimal, and its size in bytes."""

    sha256: str
    bytes: int


class Incoming:
    """A file on its way into the store: written to, hashed as it comes, then kept or dropped."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.path = path
        self.bytes = 0

    def write(self, chunk: bytes) -> None:
        """Append `chunk`."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self.bytes += len(chunk)

    def flush(self) -> Stored:
        """Put on the disk, for good, what was written so far, and say what it is."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return Stored(self._hash.hexdigest(), self.bytes)


class ArtifactStore:
    """A directory of immutable files named by their content, shared by the API and the workers.

    Args:
        data_dir: `Settings.data_dir`; the store makes `sha256` and `incoming` in it.

    """

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "sha256"
        self._incoming = data_dir / "incoming"
        for directory in (self._root, self._incoming):
            directory.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def receive(self) -> Generator[Incoming]:
        """A new file to write to; it is gone at the end of the block unless `keep` took it."""
        descriptor, name = tempfile.mkstemp(dir=self._incoming)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield Incoming(file, path)
        finally:
            path.unlink(missing_ok=True)

    def keep(self, incoming: Incoming) -> Stored:
        """Move a received file to its place by an atomic rename that survives a loss of power.

        The same bytes twice are one file, whose age starts anew: `sweep` spares the young.
        """
        stored = incoming.flush()
        place = self.path(stored.sha256)
        place.parent.mkdir(exist_ok=True)
        incoming.path.chmod(0o644)
        incoming.path.replace(place)
        fsync_directory(place.parent)
        fsync_directory(self._root)
        return stored

    def add(self, source: Path) -> Stored:
        """Copy a file into the store."""
        with source.open("rb") as file, self.receive() as incoming:
            while chunk := file.read(_CHUNK):
                incoming.write(chunk)
            return self.keep(incoming)

    def path(self, sha256: str) -> Path:
        """Where the file with this SHA-256 lies, if it does."""
        return self._root / sha256[:2] / sha256

    def sweep(self, referenced: frozenset[str], *, before: float) -> int:
        """Remove files that nothing refers to and that were last written before a moment.

        Args:
            referenced: every SHA-256 that a row names, read after `before`.
            before: seconds since the epoch, by the file system's clock; a file is stored before the row that
                names it, so this must lie further back than any transaction lasts.

        Returns:
            How many files went.

        """
        stale = [
            path
            for directory in (self._root, self._incoming)
            for path in directory.rglob("*")
            if path.is_file() and path.name not in referenced and path.stat().st_mtime < before
        ]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)


def fsync_directory(directory: Path) -> None:
    """Bring a directory's entries to the disk: what was renamed into it stays there when power fails."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
