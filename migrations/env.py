"""What Alembic runs for every command: one transaction on the installation's own database."""

import sqlite3

from alembic import context
from sqlalchemy import Connection, event, text

from models import Base
from service.db.database import Sessions
from service.settings import Settings

_LOCK = 0x57AC_4A2D
"""Any number that no other program takes: PostgreSQL's advisory lock for migrations."""


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        context.run_migrations()


def _enforce_nothing(connection: sqlite3.Connection, _record: object) -> None:
    """A table is made anew under its name; with foreign keys enforced, dropping the old one takes its rows along."""
    connection.execute("PRAGMA foreign_keys=OFF").close()


def _run() -> None:
    url = context.config.attributes.get("database_url") or Settings().database
    sessions = Sessions(url)
    sqlite = sessions.engine.dialect.name == "sqlite"
    if sqlite:
        event.listen(sessions.engine, "connect", _enforce_nothing)
    try:
        with sessions.engine.connect() as connection:
            _migrate(connection)
            if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                raise RuntimeError(f"rows that name none: {broken[:10]}")
    finally:
        sessions.dispose()


_run()
