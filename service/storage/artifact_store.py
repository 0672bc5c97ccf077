"""Store of immutable files by their SHA-256. A file is complete and matches its SHA-256, or it is not used."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from service.errors import CorruptFile, StorageError, StorageFull

_CHUNK = 1 << 20
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_MAX_REMEMBERED = 100_000

INCOMING_DIRECTORY = "incoming"
"""The directory in `Settings.data_dir` for temporary files. The reconciler removes those of killed processes."""


@dataclass(frozen=True)
class FileReference:
    """Reference to a file in a store: its SHA-256 in hexadecimal, and its size in bytes.

    `exists` checks whether the file is still in the store. By default, for references that come from elsewhere, it
    assumes so.
    """

    sha256: str
    bytes: int
    exists: Callable[[], bool] = field(default=lambda: True, repr=False, compare=False)


class IncomingFile:
    """A temporary file that is written and hashed, and then committed to the store or dropped."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.path = path
        self.bytes = 0

    def write(self, chunk: bytes) -> None:
        """Append `chunk`.

        Raises:
            StorageError: the disk failed or is full.

        """
        with translate_disk_errors():
            self._file.write(chunk)
        self._hash.update(chunk)
        self.bytes += len(chunk)

    def flush(self) -> None:
        """Write the content to the disk with fsync.

        Raises:
            StorageError: the disk failed or is full.

        """
        with translate_disk_errors():
            self._file.flush()
            os.fsync(self._file.fileno())

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the content so far, in hexadecimal."""
        return self._hash.hexdigest()


class ArtifactStore:
    """A directory of immutable files, named by their SHA-256, that the API and the workers share.

    Args:
        data_dir: `Settings.data_dir`; the store creates `sha256` and `incoming` in it.
        directory: another name for `sha256`.

    """

    def __init__(self, data_dir: Path, directory: str = "sha256") -> None:
        self._root = data_dir / directory
        self._incoming = data_dir / INCOMING_DIRECTORY
        self._checksums = ChecksumCache()
        for path in (self._root, self._incoming):
            path.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def receive_file(self) -> Generator[IncomingFile]:
        """Yield a new temporary file to write to. It is removed at the end of the block unless it was committed.

        Raises:
            StorageError: the disk failed or is full.

        """
        with translate_disk_errors():
            descriptor, name = tempfile.mkstemp(dir=self._incoming)
        file, path = os.fdopen(descriptor, "wb"), Path(name)
        try:
            yield IncomingFile(file, path)
        finally:
            with suppress(OSError):  # the buffered bytes of a file that was not committed do not matter
                file.close()
            with suppress(OSError):
                path.unlink(missing_ok=True)

    @contextmanager
    def create_scratch_directory(self) -> Generator[Path]:
        """Yield a new directory for temporary files, which is removed at the end of the block.

        If the process is killed in the block, `clear_incoming` removes the directory later.

        Raises:
            StorageError: the disk failed or is full.

        """
        with translate_disk_errors():
            directory = tempfile.TemporaryDirectory(prefix="scratch-", dir=self._incoming, ignore_cleanup_errors=True)
        with directory as path:
            yield Path(path)

    def commit_file(self, incoming: IncomingFile) -> FileReference:
        """Move a received file into the store by an atomic rename that survives a power failure.

        A file with the same content is replaced and its age restarts, so that `remove` and `list_files` spare it.

        Raises:
            StorageError: the disk failed or is full; the store is unchanged.

        """
        incoming.flush()
        sha256, size = incoming.sha256, incoming.bytes
        with translate_disk_errors():
            self._move_into_store(incoming.path, sha256)
        return FileReference(sha256, size, lambda: self.has_file(sha256, size))

    def add_file(self, source: Path) -> FileReference:
        """Copy a file into the store.

        Raises:
            StorageError: the file cannot be read, or the disk failed or is full.

        """
        with translate_disk_errors(), source.open("rb") as file, self.receive_file() as incoming:
            while chunk := file.read(_CHUNK):
                incoming.write(chunk)
            return self.commit_file(incoming)

    @contextmanager
    def verified_path(self, sha256: str) -> Generator[Path]:
        """Yield the path of a file whose content was verified. The path is valid within the block.

        Raises:
            CorruptFile: the file is missing, or its content does not match its SHA-256.
            StorageError: the file cannot be read.

        """
        path = self.path(sha256)
        if not self._checksums.is_valid(path, sha256):
            raise CorruptFile(sha256)
        yield path

    def has_file(self, sha256: str, size: int) -> bool:
        """Return whether the store has the file with this size in bytes.

        Raises:
            StorageError: the disk failed.

        """
        with translate_disk_errors():
            try:
                return self.path(sha256).stat().st_size == size
            except FileNotFoundError:
                return False

    def remove(self, sha256: str, *, before: float) -> bool:
        """Remove a file unless it was stored at or after a time. Return whether the file is gone.

        Args:
            sha256: SHA-256 of the file.
            before: seconds since the epoch, by the file system's clock.

        Raises:
            StorageError: the file cannot be removed.

        """
        with translate_disk_errors():
            try:
                if self.path(sha256).stat().st_mtime >= before:
                    return False
                self.path(sha256).unlink()
            except FileNotFoundError:
                pass
        return True

    def list_files(self, *, before: float) -> Iterator[str]:
        """List the SHA-256 of each file that was stored before a time, referenced or not.

        Args:
            before: seconds since the epoch, as for `remove`.

        """
        return (path.name for path in _list_older_files(self._root, before))

    def clear_incoming(self, *, before: float) -> int:
        """Remove temporary files and directories that killed processes left behind, and return their number."""
        leftovers = [path for path in self._incoming.iterdir() if _is_unchanged_since(path, before)]
        for path in leftovers:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return len(leftovers)

    def path(self, sha256: str) -> Path:
        """Return the path of the file with this SHA-256. The file may be missing, and is not verified."""
        return self._root / sha256[:2] / sha256

    def _move_into_store(self, received: Path, sha256: str) -> None:
        path = self.path(sha256)
        path.parent.mkdir(exist_ok=True)
        received.chmod(0o600)
        received.replace(path)
        fsync_directory(path.parent)
        fsync_directory(self._root)


class ChecksumCache:
    """Cache of the files whose checksum this process has verified.

    A file is hashed on its first use, and again after it was replaced or written to.
    """

    def __init__(self) -> None:
        self._identities: dict[Path, tuple[int, ...]] = {}

    def is_valid(self, path: Path, sha256: str) -> bool:
        """Return whether the file exists and has this SHA-256.

        Raises:
            StorageError: the file cannot be read.

        """
        with translate_disk_errors():
            try:
                with path.open("rb") as file:
                    return self._verify_file(file, path, sha256)
            except FileNotFoundError:
                return False

    def _verify_file(self, file: BufferedReader, path: Path, sha256: str) -> bool:
        stat = os.fstat(file.fileno())
        identity = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if self._identities.get(path) == identity:
            return True
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            return False
        if len(self._identities) >= _MAX_REMEMBERED:
            self._identities.clear()
        self._identities[path] = identity
        return True


@contextmanager
def translate_disk_errors(message: str | None = None) -> Generator[None]:
    """Translate every `OSError` of a disk into a `StorageError`.

    Args:
        message: beginning of the error's message, to which the reason is added; None for a general one.

    Raises:
        StorageFull: the disk is full, or a quota or size limit is reached.
        StorageError: the disk failed in another way.

    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if error.errno in _DISK_FULL:
            raise StorageFull(f"{message or 'There is no room for the file'}: {reason}.") from error
        raise StorageError(f"{message or 'A file could not be stored or read'}: {reason}.") from error


def fsync_directory(directory: Path) -> None:
    """Write a directory's entries to the disk, so that a rename into it survives a power failure."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _list_older_files(directory: Path, timestamp: float) -> Iterator[Path]:
    for path in directory.rglob("*"):
        with suppress(FileNotFoundError):  # another process has just removed it
            if path.is_file() and path.stat().st_mtime < timestamp:
                yield path


def _is_unchanged_since(path: Path, timestamp: float) -> bool:
    """Return whether a file, or a directory with all that it contains, was last changed before a time."""
    try:
        return all(entry.lstat().st_mtime < timestamp for entry in (path, *path.rglob("*")))
    except FileNotFoundError:  # another process has just changed it
        return False
