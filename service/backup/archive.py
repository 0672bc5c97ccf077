"""Entries of a backup, and the location of an embedded installation's database."""

import hashlib
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from models import Job
from service.settings import Settings
from service.storage import file_references

MANIFEST_NAME = "manifest.json"
DATABASE_NAME = "stackyard.db"
STORED_FILE_PATTERN = re.compile(r"sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})")
"""Pattern of the name of a stored file, which is the same in a backup and in the data directory."""


class BackupError(Exception):
    """The backup was not created or not restored. The message is for the user."""


@dataclass(frozen=True)
class BackupContents:
    """Contents of a backup: numbers of jobs, files and bytes, and the files that were already corrupt or missing."""

    jobs: int
    files: int
    bytes: int
    damaged: tuple[str, ...] = ()


class Manifest(BaseModel):
    """The manifest of a backup."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    stackyard: str
    """Release that created the backup."""
    created_at: str
    database_sha256: str
    damaged: tuple[str, ...]
    """Files that the database references and that were missing from the store or corrupt."""


@dataclass(frozen=True)
class DatabaseSnapshot:
    """Number of jobs and referenced files of a database, read from a copy that does not change.

    `referenced_files` has the sizes in bytes that rows record for each file, by its SHA-256; usually one.
    """

    jobs: int
    referenced_files: Mapping[str, frozenset[int]]


def read_snapshot(database: Path) -> DatabaseSnapshot:
    """Count the jobs in a database, and list the files that it references."""
    engine = create_engine(f"sqlite:///{database}")
    try:
        with Session(engine) as session:
            return DatabaseSnapshot(
                session.scalar(select(func.count()).select_from(Job)) or 0,
                file_references.load_recorded_sizes(session),
            )
    finally:
        engine.dispose()


def get_database_path(settings: Settings) -> Path:
    """Return the path of an embedded installation's database.

    Raises:
        BackupError: the installation is not embedded.

    """
    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupError(
            "Only SQLite databases can be backed up here; use pg_dump for PostgreSQL (docs/guides/storage.md)."
        )
    if settings.artifacts_url:
        raise BackupError(
            "Only files in the data directory can be backed up here, not a bucket (docs/guides/storage.md)."
        )
    return Path(url.database)


def format_error(error: OSError | sqlite3.Error) -> str:
    """Return the reason that the operating system or SQLite gives."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
