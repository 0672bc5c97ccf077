"""Backing up: the database by SQLite's own means, and then, at once, a second name for each file that it names."""

import errno
import fcntl
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import stackyard
from service.backup.archive import (
    DATABASE,
    MANIFEST,
    BackupError,
    Contents,
    Manifest,
    Snapshot,
    database_file,
    in_words,
    read_snapshot,
    sha256_of,
)
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore, fsync_directory

_TRIES = 3
_BUSY_TIMEOUT_S = 30
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV})


def create(settings: Settings, target: Path) -> Contents:
    """Back up an embedded installation, whether it runs or not.

    What is backed up is one moment: a file that is deleted while the backup is written is in it all the same.

    Args:
        settings: of the installation.
        target: the file to make; it must not be there.

    Raises:
        BackupError: it is not an embedded installation, is being backed up already, or the disk refuses something.

    """
    database = database_file(settings)
    if not database.is_file():
        raise BackupError(f"There is no database {database}.")
    if target.exists():
        raise BackupError(f"{target} is there already.")
    try:
        with _alone(settings.data_dir) as part:
            snapshot, linked = _take(database, ArtifactStore(settings.data_dir), part)
            return _write(target, part, snapshot, linked)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"The backup was not made: {in_words(error)}.") from error


@contextmanager
def _alone(data_dir: Path) -> Generator[Path]:
    """An empty directory beside the store's, which no other backup uses."""
    part = data_dir / "backup.part"
    with (data_dir / "backup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(f"Another backup of {data_dir} is being made.") from None
        shutil.rmtree(part, ignore_errors=True)  # of one that was killed
        part.mkdir(mode=0o700)
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _take(database: Path, store: ArtifactStore, part: Path) -> tuple[Snapshot, frozenset[str]]:
    """One moment of the installation in `part`: the database, and which of the files that it names there are.

    A file stays for a while after the last row that named it is gone (`Settings.discard_grace_s`), longer than this
    takes. Where it was not, the whole is done again: only what is missing every time was missing before.
    """
    snapshot, linked = _take_once(database, store, part)
    for _ in range(_TRIES - 1):
        if linked == snapshot.named:
            break
        snapshot, linked = _take_once(database, store, part)
    return snapshot, linked


def _take_once(database: Path, store: ArtifactStore, part: Path) -> tuple[Snapshot, frozenset[str]]:
    for path in part.iterdir():
        path.unlink()
    _copy_database(database, part / DATABASE)
    snapshot = read_snapshot(part / DATABASE)
    linked = frozenset(sha256 for sha256 in snapshot.named if _link(store.path(sha256), part / sha256))
    return snapshot, linked


def _copy_database(source: Path, target: Path) -> None:
    """In one step, for a copy in many begins anew whenever somebody writes; writers wait for as long as it takes."""
    with closing(sqlite3.connect(source, timeout=_BUSY_TIMEOUT_S)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)
        there.execute("PRAGMA journal_mode=DELETE").close()


def _link(source: Path, target: Path) -> bool:
    """Give a stored file, which nobody ever writes to, a second name; a copy where the disk has no such thing."""
    try:
        try:
            target.hardlink_to(source)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            shutil.copyfile(source, target)
    except FileNotFoundError:
        return False
    return True


def _write(target: Path, part: Path, snapshot: Snapshot, linked: frozenset[str]) -> Contents:
    sound = sorted(sha256 for sha256 in linked if sha256_of(part / sha256) == sha256)
    damaged = tuple(sorted(snapshot.named.difference(sound)))
    manifest = Manifest(
        stackyard=stackyard.__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        database_sha256=sha256_of(part / DATABASE),
        damaged=damaged,
    )
    with _whole_or_not(target) as draft, tarfile.open(draft, "w", dereference=True) as archive:
        _add_manifest(archive, manifest)
        archive.add(part / DATABASE, DATABASE, filter=_plain)
        _add_files(archive, part, sound)
    size = sum((part / sha256).stat().st_size for sha256 in sound)
    return Contents(snapshot.jobs, len(sound), size, damaged)


@contextmanager
def _whole_or_not(target: Path) -> Generator[Path]:
    """A file that nobody else may read; it is `target`, for good, once the block is left without an error."""
    draft = target.with_name(f"{target.name}.part")
    draft.touch(mode=0o600)
    try:
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)
        fsync_directory(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def _add_manifest(archive: tarfile.TarFile, manifest: Manifest) -> None:
    content = manifest.model_dump_json(indent=2).encode()
    entry = tarfile.TarInfo(MANIFEST)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, BytesIO(content))


def _add_files(archive: tarfile.TarFile, part: Path, sha256s: Iterable[str]) -> None:
    for sha256 in sha256s:
        archive.add(part / sha256, f"sha256/{sha256[:2]}/{sha256}", filter=_plain)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """As a file of nobody's."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
