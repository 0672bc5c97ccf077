"""What is in a backup, by which names, and where the database of an embedded installation lies."""

import hashlib
import re
import sqlite3
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

MANIFEST = "manifest.json"
DATABASE = "stackyard.db"
STORED = re.compile(r"sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})")
"""The name of a stored file in a backup, as in the data directory."""


class BackupError(Exception):
    """There is no backup, or none is restored; the message is a sentence for whoever asked for it."""


@dataclass(frozen=True)
class Contents:
    """What was backed up or restored: jobs, stored files, their bytes, and which files were damaged or gone before."""

    jobs: int
    files: int
    bytes: int
    damaged: tuple[str, ...] = ()


class Manifest(BaseModel):
    """What a backup says of itself."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    stackyard: str
    """The release that made it."""
    created_at: str
    database_sha256: str
    damaged: tuple[str, ...]
    """Files that the database names and that were not in the store, or not what they should be."""


@dataclass(frozen=True)
class Snapshot:
    """What a database says, read from a file that nobody writes to."""

    jobs: int
    named: frozenset[str]


def read_snapshot(database: Path) -> Snapshot:
    """Count the jobs in a database, and list the files that it names."""
    engine = create_engine(f"sqlite:///{database}")
    try:
        with Session(engine) as session:
            return Snapshot(session.scalar(select(func.count()).select_from(Job)) or 0, file_references.named(session))
    finally:
        engine.dispose()


def database_file(settings: Settings) -> Path:
    """Where the database of an embedded installation lies.

    Raises:
        BackupError: it is another kind of installation.

    """
    url = make_url(settings.database)
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupError("Only an SQLite database is backed up here; PostgreSQL has pg_dump (docs/storage.md).")
    if settings.artifacts_url:
        raise BackupError("Only files in the data directory are backed up here, and not a bucket (docs/storage.md).")
    return Path(url.database)


def in_words(error: OSError | sqlite3.Error) -> str:
    """What the disk or SQLite says."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def sha256_of(path: Path) -> str:
    """Of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
