"""What Alembic runs for every command: one transaction on the installation's own database."""

from alembic import context
from sqlalchemy import Connection, text

from models import Base
from service.database import Sessions
from service.settings import Settings

_LOCK = 0x57AC_4A2D
"""Any number that no other program takes: PostgreSQL's advisory lock for migrations."""


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        context.run_migrations()


def _run() -> None:
    url = context.config.attributes.get("database_url") or Settings().database
    sessions = Sessions(url)
    try:
        with sessions.engine.connect() as connection:
            _migrate(connection)
    finally:
        sessions.dispose()


_run()
