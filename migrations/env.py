"""Environment of every Alembic command: one transaction on the installation's database."""

import sqlite3

from alembic import context
from sqlalchemy import Connection, event, text

from models import Base
from service.db.database import SessionFactory
from service.settings import Settings

_ADVISORY_LOCK_ID = 0x57AC_4A2D
"""PostgreSQL advisory lock of migrations; any number that no other program uses."""


def _run_migrations(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK_ID})
        context.run_migrations()


def _disable_foreign_keys(connection: sqlite3.Connection, _record: object) -> None:
    """Disable foreign keys, because a batch migration recreates tables: dropping the old one would cascade."""
    connection.execute("PRAGMA foreign_keys=OFF").close()


def _migrate_database() -> None:
    url = context.config.attributes.get("database_url") or Settings().resolved_database_url
    sessions = SessionFactory(url)
    is_sqlite = sessions.engine.dialect.name == "sqlite"
    if is_sqlite:
        event.listen(sessions.engine, "connect", _disable_foreign_keys)
    try:
        with sessions.engine.connect() as connection:
            _run_migrations(connection)
            if is_sqlite and (violations := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                raise RuntimeError(f"expected no foreign key violations, received {violations[:10]}")
    finally:
        sessions.dispose()


_migrate_database()
