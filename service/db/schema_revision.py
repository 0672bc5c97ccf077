"""The revision of the database's schema, compared with the one that this release needs."""

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

import stackyard
from service.db.database import DATABASE_UNAVAILABLE_ERRORS, SessionFactory

_ALEMBIC_INI = Path(__file__).parents[2] / "alembic.ini"
_VERSION_TABLE = "alembic_version"
_MAX_LENGTH = 80


@dataclass(frozen=True)
class SchemaMismatch:
    """The database has another schema than this release needs: `message` says which, `advice` what to do.

    `is_newer` says that a newer release has migrated it.
    """

    message: str
    advice: str
    is_newer: bool = False


def find_schema_mismatch(sessions: SessionFactory) -> SchemaMismatch | None:
    """Compare the revision in the database with the newest migration of this release; None if they are equal.

    Raises:
        SQLAlchemyError: the database cannot be read.

    """
    with sessions.read() as session:
        revision = _read_revision(session.connection())
    expected, known = _list_revisions()
    if revision == expected:
        return None
    if revision is None:
        return SchemaMismatch("The database has no tables of Stackyard.", "Run `python -m migrations` first.")
    if revision in known:
        return SchemaMismatch(
            f"The database has the schema {revision} of an older release; stackyard {stackyard.__version__} needs "
            f"{expected}.",
            "Stop the processes of the older release, and run `python -m migrations` of this one.",
        )
    return SchemaMismatch(
        f"The database has the schema {revision[:_MAX_LENGTH]!a}, which stackyard {stackyard.__version__} does not "
        f"know; its own is {expected}. A newer release has migrated it.",
        "Install that release on this machine, too.",
        is_newer=True,
    )


def require_matching_schema(database_url: str) -> None:
    """End this process with one line and the status 78 if the database has another schema than this release needs.

    A database that cannot be reached is no reason to end: processes start before it, and wait for it.
    """
    mismatch = _find_mismatch(database_url)
    if mismatch is not None:
        _end_process(mismatch)


def require_no_newer_schema(database_url: str) -> None:
    """End this process like `require_matching_schema`, unless it can migrate the database to its own schema."""
    mismatch = _find_mismatch(database_url)
    if mismatch is not None and mismatch.is_newer:
        _end_process(mismatch)


def _find_mismatch(database_url: str) -> SchemaMismatch | None:
    sessions = SessionFactory(database_url)
    try:
        return find_schema_mismatch(sessions)
    except DATABASE_UNAVAILABLE_ERRORS:
        return None
    finally:
        sessions.dispose()


def _end_process(mismatch: SchemaMismatch) -> NoReturn:
    sys.stderr.write(f"{mismatch.message} {mismatch.advice}\n")
    raise SystemExit(os.EX_CONFIG)


def _read_revision(connection: Connection) -> str | None:
    """Return the revision in the database; None if no migration has run."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    return connection.scalar(text(f"SELECT version_num FROM {_VERSION_TABLE}"))  # noqa: S608 a constant


@cache
def _list_revisions() -> tuple[str | None, frozenset[str]]:
    """Return the newest revision of this release, and all that it knows."""
    scripts = ScriptDirectory.from_config(Config(_ALEMBIC_INI))
    return scripts.get_current_head(), frozenset(script.revision for script in scripts.walk_revisions())
