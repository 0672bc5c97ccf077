"""Restoring: nothing is in the data directory before all of the backup was read and found right."""

import os
import shutil
import sqlite3
import tarfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from service.backup.archive import (
    DATABASE,
    MANIFEST,
    STORED,
    BackupError,
    Contents,
    Manifest,
    database_file,
    in_words,
    read_snapshot,
    sha256_of,
)
from service.settings import Settings
from service.storage.artifact_store import fsync_directory

_CHUNK = 1 << 20
_MOST_MANIFEST = 64 << 20
_LET_BE = frozenset({"lost+found"})


def restore(settings: Settings, source: Path) -> Contents:
    """Make an embedded installation out of a backup.

    Args:
        settings: of the installation; its data directory must be empty, or not be there.
        source: the backup.

    Raises:
        BackupError: the directory is not empty, or the backup is not whole; then the directory is as it was.

    """
    place = settings.data_dir
    if database_file(settings).resolve() != (place / DATABASE).resolve():
        raise BackupError(
            "A backup is restored with its database in the data directory; unset STACKYARD_DATABASE_URL."
        )
    if place.exists() and any(entry.name not in _LET_BE for entry in place.iterdir()):
        raise BackupError(f"{place} is not empty; restore into a new directory.")
    try:
        with _part(place) as part:
            contents = _extract(source, part)
            _move(part, place)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"The backup was not restored: {in_words(error)}.") from error
    except (tarfile.TarError, ValidationError, EOFError) as error:
        raise BackupError(f"{source} is not a whole backup: {str(error).splitlines()[0]}") from error
    return contents


@contextmanager
def _part(place: Path) -> Generator[Path]:
    made = not place.exists()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = place / "restore.part"
    part.mkdir()
    try:
        yield part
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        if made:
            place.rmdir()
        raise


def _extract(source: Path, part: Path) -> Contents:
    with tarfile.open(source, "r:") as archive:
        manifest = _read_manifest(archive)
        sizes: dict[str, int] = {}
        while (entry := archive.next()) is not None:  # iterated over, it would begin with the manifest again
            file = archive.extractfile(entry) if entry.isreg() else None
            stored = STORED.fullmatch(entry.name)
            if file is None or (stored is None and entry.name != DATABASE):
                raise BackupError(f"{source} is not a backup: it has an entry {entry.name!a}.")
            with file:
                _write(part / entry.name, file)
            expected = stored.group(2) if stored else manifest.database_sha256
            if sha256_of(part / entry.name) != expected:
                raise BackupError(f"{source} is damaged: {entry.name} is not what its SHA-256 says.")
            if stored:
                sizes[expected] = entry.size
    return _check(source, part, manifest, sizes)


def _read_manifest(archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    file = archive.extractfile(first) if first and first.name == MANIFEST and first.isreg() else None
    if file is None:
        raise tarfile.ReadError("it does not begin with a manifest")
    return Manifest.model_validate_json(file.read(_MOST_MANIFEST))


def _check(source: Path, part: Path, manifest: Manifest, sizes: dict[str, int]) -> Contents:
    """Hold what there is against what the database names."""
    if not (part / DATABASE).is_file():
        raise BackupError(f"{source} is not a whole backup: it has no database.")
    with closing(sqlite3.connect(part / DATABASE)) as database:
        [[found]] = database.execute("PRAGMA integrity_check(1)")
        if found != "ok" or database.execute("PRAGMA foreign_key_check").fetchone():
            raise BackupError(f"{source} is damaged: its database is not sound ({found}).")
    snapshot = read_snapshot(part / DATABASE)
    missing = snapshot.named.difference(sizes, manifest.damaged)
    if missing:
        raise BackupError(f"{source} is not a whole backup: {len(missing)} files are missing, {min(missing)} first.")
    return Contents(snapshot.jobs, len(sizes), sum(sizes.values()), manifest.damaged)


def _write(path: Path, file: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as target:
        shutil.copyfileobj(file, target, _CHUNK)
        target.flush()
        os.fsync(target.fileno())
    path.chmod(0o600 if path.name == DATABASE else 0o644)


def _move(part: Path, place: Path) -> None:
    """To where a server looks for it; the database last, for without it there is no installation."""
    for directory in part.rglob("*"):
        if directory.is_dir():
            fsync_directory(directory)
    for path in sorted(part.iterdir(), key=lambda path: path.name == DATABASE):
        path.rename(place / path.name)
    part.rmdir()
    fsync_directory(place)
