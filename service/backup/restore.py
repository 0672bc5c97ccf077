"""Restoration of backups. The data directory stays empty until the whole backup was read and verified."""

import os
import shutil
import sqlite3
import tarfile
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Self

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from service.backup.archive import (
    DATABASE_NAME,
    MANIFEST_NAME,
    STORED_FILE_PATTERN,
    BackupContents,
    BackupError,
    Manifest,
    compute_sha256,
    format_error,
    get_database_path,
    read_snapshot,
)
from service.backup.schema import find_schema_difference
from service.settings import Settings
from service.storage.artifact_store import fsync_directory

_CHUNK = 1 << 20
_MAX_MANIFEST_BYTES = 64 << 20
_MAX_HEADER_BYTES = 64 << 10
_IGNORED_ENTRIES = frozenset({"lost+found"})


class _PlainEntry(tarfile.TarInfo):
    """An entry that is a regular file, or the extended header before one. `create_backup` writes no other entries.

    Other entries are refused before `tarfile` reads what follows their header: a sparse entry of some bytes would
    become a file of any size.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Parse a header, and raise `BackupError` if its entry is not plain."""
        entry = super().frombuf(buf, encoding, errors)
        is_header = entry.type == tarfile.XHDTYPE
        if not (is_header or entry.type in {tarfile.REGTYPE, tarfile.AREGTYPE}):
            raise BackupError(f"The file is not a backup: its entry {entry.name!a} is not a plain file.")
        if entry.size < 0 or (is_header and entry.size > _MAX_HEADER_BYTES):
            raise BackupError("The file is not a backup: a header has an invalid size.")
        return entry


def restore_backup(settings: Settings, source: Path) -> BackupContents:
    """Restore an embedded installation from a backup.

    Args:
        settings: settings of the installation; its data directory must be empty or missing.
        source: the backup.

    Raises:
        BackupError: the directory is not empty, or the backup is invalid. The directory is unchanged.

    """
    data_dir = settings.data_dir
    if get_database_path(settings).resolve() != (data_dir / DATABASE_NAME).resolve():
        raise BackupError(
            "A backup is restored with its database in the data directory; unset STACKYARD_DATABASE_URL."
        )
    if data_dir.exists() and any(entry.name not in _IGNORED_ENTRIES for entry in data_dir.iterdir()):
        raise BackupError(f"{data_dir} is not empty; restore into a new directory.")
    try:
        with _open_staging_directory(data_dir) as staging:
            contents = _extract_archive(source, staging)
            _move_into_place(staging, data_dir)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"The backup was not restored: {format_error(error)}.") from error
    except (tarfile.TarError, SQLAlchemyError, ArithmeticError, LookupError, ValueError, EOFError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise BackupError(f"{source} is not a whole backup: {reason}") from error
    return contents


@contextmanager
def _open_staging_directory(data_dir: Path) -> Generator[Path]:
    """Yield a new directory in the data directory. On an error, remove all that was created."""
    is_new = not data_dir.exists()
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    staging = data_dir / "restore.part"
    staging.mkdir(mode=0o700)
    try:
        yield staging
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        if is_new:
            data_dir.rmdir()
        raise


def _extract_archive(source: Path, staging: Path) -> BackupContents:
    with tarfile.open(source, "r|", tarinfo=_PlainEntry) as archive:
        manifest = _read_manifest(archive)
        sizes: dict[str, int] = {}
        while (entry := archive.next()) is not None:  # a for loop would start again with the manifest
            if any(name.startswith("GNU.sparse") for name in entry.pax_headers):
                raise BackupError(f"{source} is not a backup: its entry {entry.name!a} is larger than its content.")
            file = archive.extractfile(entry) if entry.isreg() else None
            stored = STORED_FILE_PATTERN.fullmatch(entry.name)
            if file is None or (stored is None and entry.name != DATABASE_NAME):
                raise BackupError(f"{source} is not a backup: it has an entry {entry.name!a}.")
            with file:
                _write_file(staging / entry.name, file)
            expected = stored.group(2) if stored else manifest.database_sha256
            if compute_sha256(staging / entry.name) != expected:
                raise BackupError(f"{source} is damaged: the content of {entry.name} does not match its SHA-256.")
            if stored:
                sizes[expected] = entry.size
    return _check_contents(source, staging, manifest, sizes)


def _read_manifest(archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    file = archive.extractfile(first) if first and first.name == MANIFEST_NAME and first.isreg() else None
    if file is None:
        raise tarfile.ReadError("it does not begin with a manifest")
    try:
        return Manifest.model_validate_json(file.read(_MAX_MANIFEST_BYTES))
    except ValidationError:
        raise BackupError(
            f"The file is not a backup that this release can read: its {MANIFEST_NAME} is invalid."
        ) from None


def _check_contents(source: Path, staging: Path, manifest: Manifest, sizes: dict[str, int]) -> BackupContents:
    """Check the database, and that all files that it references are in the backup."""
    if not (staging / DATABASE_NAME).is_file():
        raise BackupError(f"{source} is not a whole backup: it has no database.")
    with closing(sqlite3.connect(staging / DATABASE_NAME)) as database:
        database.execute("PRAGMA trusted_schema=OFF").close()
        if difference := find_schema_difference(database):
            raise BackupError(f"{source} is not a backup: its database has {difference}.")
        [[verdict]] = database.execute("PRAGMA integrity_check(1)")
        if verdict != "ok" or database.execute("PRAGMA foreign_key_check").fetchone():
            raise BackupError(f"{source} is damaged: its database is inconsistent ({verdict}).")
    snapshot = read_snapshot(staging / DATABASE_NAME)
    missing = snapshot.referenced_files.keys() - sizes.keys() - set(manifest.damaged)
    if missing:
        raise BackupError(f"{source} is not a whole backup: {len(missing)} files are missing, {min(missing)} first.")
    if message := _find_wrong_size(snapshot.referenced_files, sizes):
        raise BackupError(f"{source} is damaged: {message}.")
    return BackupContents(snapshot.jobs, len(sizes), sum(sizes.values()), manifest.damaged)


def _find_wrong_size(recorded: Mapping[str, frozenset[int]], sizes: Mapping[str, int]) -> str | None:
    """Return a message about the first file whose size is not the one that the database records."""
    for sha256, size in sorted(sizes.items()):
        if wrong := recorded.get(sha256, frozenset()) - {size}:
            return f"its database records {min(wrong)} bytes for {sha256}, which has {size}"
    return None


def _write_file(path: Path, file: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    with path.open("wb") as target:
        shutil.copyfileobj(file, target, _CHUNK)
        target.flush()
        os.fsync(target.fileno())


def _move_into_place(staging: Path, data_dir: Path) -> None:
    """Move the entries to their places; the database last, because without it there is no installation."""
    for directory in staging.rglob("*"):
        if directory.is_dir():
            fsync_directory(directory)
    for path in sorted(staging.iterdir(), key=lambda path: path.name == DATABASE_NAME):
        path.rename(data_dir / path.name)
    staging.rmdir()
    fsync_directory(data_dir)
