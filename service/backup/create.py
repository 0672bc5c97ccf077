"""Creation of backups: copy the database with SQLite's backup API, then link each file that it references."""

import errno
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
    DATABASE_NAME,
    MANIFEST_NAME,
    BackupContents,
    BackupError,
    DatabaseSnapshot,
    Manifest,
    compute_sha256,
    format_error,
    get_database_path,
    read_snapshot,
)
from service.backup.schema import find_schema_difference
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore, fsync_directory
from service.storage.file_locks import lock_file

_MAX_ATTEMPTS = 3
_BUSY_TIMEOUT_S = 30
_NO_HARDLINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV})


def create_backup(settings: Settings, target: Path) -> BackupContents:
    """Back up an embedded installation, whether it runs or not.

    The backup is a consistent snapshot: files that are deleted while it is written are included.

    Args:
        settings: settings of the installation.
        target: the file to create; it must not exist.

    Raises:
        BackupError: the installation is not embedded, another backup is running, or the disk failed.

    """
    database = get_database_path(settings)
    if not database.is_file():
        raise BackupError(f"There is no database {database}.")
    if target.exists():
        raise BackupError(f"{target} already exists.")
    try:
        with _open_staging_directory(settings.data_dir) as staging:
            snapshot, linked = _take_snapshot(database, ArtifactStore(settings.data_dir), staging)
            return _write_archive(target, staging, snapshot, linked)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"The backup was not created: {format_error(error)}.") from error


@contextmanager
def _open_staging_directory(data_dir: Path) -> Generator[Path]:
    """Yield an empty directory on the store's disk, and exclude other backups within the block."""
    staging = data_dir / "backup.part"
    try:
        lock = lock_file(data_dir / "backup.lock", shared=False, wait=False, create=True)
    except BlockingIOError:
        raise BackupError(f"Another backup of {data_dir} is running.") from None
    try:
        shutil.rmtree(staging, ignore_errors=True)  # left by a backup that was killed
        staging.mkdir(mode=0o700)
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        if lock is not None:
            lock.release()


def _take_snapshot(database: Path, store: ArtifactStore, staging: Path) -> tuple[DatabaseSnapshot, frozenset[str]]:
    """Copy the database, and link those of the files it references that exist. Return the snapshot and these files.

    A file stays for `Settings.discard_grace_s` after its last reference is deleted, which is longer than this takes.
    If a file is missing nevertheless, all is repeated: a file that is missing every time was missing before.
    """
    snapshot, linked = _try_snapshot(database, store, staging)
    for _ in range(_MAX_ATTEMPTS - 1):
        if snapshot.referenced_files.keys() <= linked:
            break
        snapshot, linked = _try_snapshot(database, store, staging)
    return snapshot, linked


def _try_snapshot(database: Path, store: ArtifactStore, staging: Path) -> tuple[DatabaseSnapshot, frozenset[str]]:
    for path in staging.iterdir():
        path.unlink()
    _copy_database(database, staging / DATABASE_NAME)
    snapshot = read_snapshot(staging / DATABASE_NAME)
    linked = frozenset(
        sha256 for sha256 in snapshot.referenced_files if _link_file(store.path(sha256), staging / sha256)
    )
    return snapshot, linked


def _copy_database(source: Path, target: Path) -> None:
    """Copy the database in one step, during which writers wait. A copy in many steps would restart at every write."""
    with (
        closing(sqlite3.connect(source, timeout=_BUSY_TIMEOUT_S)) as original,
        closing(sqlite3.connect(target)) as copy,
    ):
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE").close()
        if difference := find_schema_difference(copy):
            raise BackupError(f"The backup could not be restored, because its database has {difference}.")


def _link_file(source: Path, target: Path) -> bool:
    """Hard-link an immutable file, or copy it if the disk has no hard links. Return whether the file exists."""
    try:
        try:
            target.hardlink_to(source)
        except OSError as error:
            if error.errno not in _NO_HARDLINKS:
                raise
            shutil.copyfile(source, target)
    except FileNotFoundError:
        return False
    return True


def _write_archive(target: Path, staging: Path, snapshot: DatabaseSnapshot, linked: frozenset[str]) -> BackupContents:
    valid = sorted(sha256 for sha256 in linked if compute_sha256(staging / sha256) == sha256)
    damaged = tuple(sorted(snapshot.referenced_files.keys() - set(valid)))
    manifest = Manifest(
        stackyard=stackyard.__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        database_sha256=compute_sha256(staging / DATABASE_NAME),
        damaged=damaged,
    )
    with _write_atomically(target) as draft, tarfile.open(draft, "w", dereference=True) as archive:
        _add_manifest(archive, manifest)
        archive.add(staging / DATABASE_NAME, DATABASE_NAME, filter=_reset_owner)
        _add_files(archive, staging, valid)
    size = sum((staging / sha256).stat().st_size for sha256 in valid)
    return BackupContents(snapshot.jobs, len(valid), size, damaged)


@contextmanager
def _write_atomically(target: Path) -> Generator[Path]:
    """Yield a private temporary file, and rename it to `target` durably if the block succeeds."""
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
    entry = tarfile.TarInfo(MANIFEST_NAME)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, BytesIO(content))


def _add_files(archive: tarfile.TarFile, staging: Path, sha256s: Iterable[str]) -> None:
    for sha256 in sha256s:
        archive.add(staging / sha256, f"sha256/{sha256[:2]}/{sha256}", filter=_reset_owner)


def _reset_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
