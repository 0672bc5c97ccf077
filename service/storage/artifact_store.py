"""Files by content: what is stored under a SHA-256 has it, whole, or is not used."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from service.errors import Damaged, StorageError, StorageFull

_CHUNK = 1 << 20
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_MOST_REMEMBERED = 100_000


@dataclass(frozen=True)
class Stored:
    """A file in a store: its SHA-256 in hexadecimal, and its size in bytes.

    `is_there` tells whether it still is; one that was written down elsewhere is believed to be.
    """

    sha256: str
    bytes: int
    is_there: Callable[[], bool] = field(default=lambda: True, repr=False, compare=False)


class Incoming:
    """A file on its way into the store: written to, hashed as it comes, then kept or dropped."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.path = path
        self.bytes = 0

    def write(self, chunk: bytes) -> None:
        """Append `chunk`.

        Raises:
            StorageError: the disk does not take it.

        """
        with storing():
            self._file.write(chunk)
        self._hash.update(chunk)
        self.bytes += len(chunk)

    def flush(self) -> None:
        """Put on the disk, for good, what was written so far.

        Raises:
            StorageError: the disk does not take it.

        """
        with storing():
            self._file.flush()
            os.fsync(self._file.fileno())

    @property
    def sha256(self) -> str:
        """Of what was written so far, in hexadecimal."""
        return self._hash.hexdigest()


class ArtifactStore:
    """A directory of immutable files named by their content, shared by the API and the workers.

    Args:
        data_dir: `Settings.data_dir`; the store makes `sha256` and `incoming` in it.
        directory: another name for `sha256`.

    """

    def __init__(self, data_dir: Path, directory: str = "sha256") -> None:
        self._root = data_dir / directory
        self._incoming = data_dir / "incoming"
        self._verified = Verified()
        for place in (self._root, self._incoming):
            place.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def receive(self) -> Generator[Incoming]:
        """A new file to write to; it is gone at the end of the block unless `keep` took it.

        Raises:
            StorageError: the disk does not take another file.

        """
        with storing():
            descriptor, name = tempfile.mkstemp(dir=self._incoming)
        file, path = os.fdopen(descriptor, "wb"), Path(name)
        try:
            yield Incoming(file, path)
        finally:
            with suppress(OSError):  # of bytes that nobody asked to have on the disk
                file.close()
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def keep(self, incoming: Incoming) -> Stored:
        """Move a received file to its place by an atomic rename that survives a loss of power.

        The same bytes twice are one file, whose age starts anew: `remove` and `strays` spare the young.

        Raises:
            StorageError: the disk does not take it; nothing was changed that somebody could notice.

        """
        incoming.flush()
        sha256, size = incoming.sha256, incoming.bytes
        with storing():
            self._place(incoming.path, sha256)
        return Stored(sha256, size, lambda: self.has(sha256, size))

    def add(self, source: Path) -> Stored:
        """Copy a file into the store.

        Raises:
            StorageError: it cannot be read, or the disk does not take it.

        """
        with storing(), source.open("rb") as file, self.receive() as incoming:
            while chunk := file.read(_CHUNK):
                incoming.write(chunk)
            return self.keep(incoming)

    @contextmanager
    def local(self, sha256: str) -> Generator[Path]:
        """A path under which a file can be read within the block; its content was verified.

        Raises:
            Damaged: it is not there, or is not what its SHA-256 says.
            StorageError: it cannot be read.

        """
        path = self.path(sha256)
        if not self._verified.is_right(path, sha256):
            raise Damaged(sha256)
        yield path

    def has(self, sha256: str, size: int) -> bool:
        """Whether a file is there, with so many bytes.

        Raises:
            StorageError: nobody can tell.

        """
        with storing():
            try:
                return self.path(sha256).stat().st_size == size
            except FileNotFoundError:
                return False

    def remove(self, sha256: str, *, before: float) -> bool:
        """Remove a file unless it was stored since a moment; whether it is not there now.

        Args:
            sha256: which.
            before: seconds since the epoch, by the file system's clock.

        Raises:
            StorageError: it cannot be removed.

        """
        with storing():
            try:
                if self.path(sha256).stat().st_mtime >= before:
                    return False
                self.path(sha256).unlink()
            except FileNotFoundError:
                pass
        return True

    def strays(self, *, before: float) -> Iterator[str]:
        """Each file that was stored before a moment, for whoever knows which of them are named.

        Args:
            before: as for `remove`.

        """
        return (path.name for path in _older(self._root, before))

    def clear_incoming(self, *, before: float) -> int:
        """Remove what processes left that were killed while they received it; how many files that were."""
        left = list(_older(self._incoming, before))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def path(self, sha256: str) -> Path:
        """Where the file with this SHA-256 lies, if it does, unverified."""
        return self._root / sha256[:2] / sha256

    def _place(self, received: Path, sha256: str) -> None:
        place = self.path(sha256)
        place.parent.mkdir(exist_ok=True)
        received.chmod(0o644)
        received.replace(place)
        fsync_directory(place.parent)
        fsync_directory(self._root)


class Verified:
    """Which files this process has found to be what they are named.

    A file is read whole when it is first asked for, and again when another lies there or it was written to.
    """

    def __init__(self) -> None:
        self._known: dict[Path, tuple[int, ...]] = {}

    def is_right(self, path: Path, sha256: str) -> bool:
        """Whether a file is there and has this SHA-256.

        Raises:
            StorageError: it cannot be read.

        """
        with storing():
            try:
                with path.open("rb") as file:
                    return self._is_right(file, path, sha256)
            except FileNotFoundError:
                return False

    def _is_right(self, file: BufferedReader, path: Path, sha256: str) -> bool:
        stat = os.fstat(file.fileno())
        identity = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if self._known.get(path) == identity:
            return True
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            return False
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[path] = identity
        return True


@contextmanager
def storing() -> Generator[None]:
    """Make one of two errors of all that a disk may answer.

    Raises:
        StorageFull: it has no room.
        StorageError: it failed.

    """
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        if error.errno in _NO_ROOM:
            raise StorageFull(f"There is no room for the file: {why}.") from error
        raise StorageError(f"A file could not be stored or read: {why}.") from error


def fsync_directory(directory: Path) -> None:
    """Bring a directory's entries to the disk: what was renamed into it stays there when power fails."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _older(directory: Path, moment: float) -> Iterator[Path]:
    for path in directory.rglob("*"):
        with suppress(FileNotFoundError):  # another process has just removed it
            if path.is_file() and path.stat().st_mtime < moment:
                yield path
