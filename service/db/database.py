"""Database sessions that behave alike on SQLite and PostgreSQL, and the database's clock."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, create_engine, inspect, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.sql.functions import FunctionElement

from models.types import UtcDateTime
from service.db import sqlite

_POOL_TIMEOUT_S = 10
_LIBPQ_TIMEOUTS = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""libpq connection parameters that detect a silently lost PostgreSQL server before a lease expires."""

DATABASE_UNAVAILABLE_ERRORS = (OperationalError, InterfaceError, PoolTimeout)
"""Exceptions of a transaction when the database cannot be reached, is locked for too long, or disconnects."""


class SessionFactory:
    """Factory of sessions: `begin` starts a transaction that may write, `read` one that only reads.

    Both raise one of `DATABASE_UNAVAILABLE_ERRORS` if the database is unavailable. If a commit fails with one of
    these, the transaction may or may not have been committed.

    Args:
        url: SQLAlchemy URL of a SQLite database, or of PostgreSQL through psycopg.
        pool_timeout_s: seconds to wait for a free PostgreSQL connection.

    """

    def __init__(self, url: str, *, pool_timeout_s: float = _POOL_TIMEOUT_S) -> None:
        if make_url(url).get_backend_name() == "sqlite":
            self.engine = sqlite.create_write_engine(url)
            self._read_engine = sqlite.create_read_engine(url)
            self._writer_lock = sqlite.WriterLock(url)
        else:
            self.engine = _create_postgresql_engine(url, pool_timeout_s)
            self._read_engine = self.engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            self._writer_lock = None
        self._write_sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._read_sessions = sessionmaker(self._read_engine, expire_on_commit=False, autoflush=False)
        self._info: dict[Any, Any] = {}

    def with_info(self, info: Mapping[Any, Any]) -> "SessionFactory":
        """Return a factory on the same database whose sessions have these entries in their `info`."""
        factory = copy(self)
        factory._info = {**self._info, **info}  # noqa: SLF001  of the same class
        return factory

    @contextmanager
    def begin(self) -> Generator[Session]:
        """Open a session in a transaction that may write; commit it at the end, roll it back on an exception."""
        with self._acquire_writer_lock(), _normalize_connection_errors(), self._write_sessions.begin() as session:
            session.info.update(self._info)
            yield session

    @contextmanager
    def read(self) -> Generator[Session]:
        """Open a session that only reads, from one consistent snapshot. It does not wait for running writers."""
        with _normalize_connection_errors(), self._read_sessions() as session:
            session.info.update(self._info)
            yield session

    def _acquire_writer_lock(self) -> AbstractContextManager[None]:
        return nullcontext() if self._writer_lock is None else self._writer_lock.acquire()

    def dispose(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()
        self._read_engine.dispose()


@contextmanager
def _normalize_connection_errors() -> Generator[None]:
    """Raise every error of a broken connection as one of `DATABASE_UNAVAILABLE_ERRORS`.

    The driver reports some broken connections with other exception classes.
    """
    try:
        yield
    except DATABASE_UNAVAILABLE_ERRORS:
        raise
    except DBAPIError as error:
        if error.connection_invalidated and error.orig is not None:
            raise OperationalError(error.statement, None, error.orig, hide_parameters=True) from error
        raise


class DatabaseClock(FunctionElement[datetime]):
    """SQL expression of the database's current time, the one clock that all processes of an installation share."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(DatabaseClock, "sqlite")
def _compile_sqlite_clock(_clock: DatabaseClock, _compiler: Any, **_: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"  # the format in which SQLAlchemy stores times, to compare equal


@compiles(DatabaseClock, "postgresql")
def _compile_postgresql_clock(_clock: DatabaseClock, _compiler: Any, **_: Any) -> str:
    return "clock_timestamp()"  # now() would be the start of the transaction


_SELECT_TIME = select(DatabaseClock())


def get_current_time(session: Session) -> datetime:
    """Return the current time of the database's clock."""
    return session.scalars(_SELECT_TIME).one()


def _create_postgresql_engine(url: str, pool_timeout_s: float) -> Engine:
    url_parameters = make_url(url).query
    timeouts = {name: value for name, value in _LIBPQ_TIMEOUTS.items() if name not in url_parameters}
    return create_engine(
        url, connect_args=timeouts, pool_pre_ping=True, pool_timeout=pool_timeout_s, hide_parameters=True
    )


def insert_if_absent(session: Session, table: type[DeclarativeBase], values: dict[str, Any]) -> bool:
    """Insert a row unless a row with the same key exists. Wait for a concurrent transaction that inserts it.

    Returns:
        Whether the row was inserted.

    """
    dialect = session.get_bind().dialect.name
    insert = sqlite_insert if dialect == "sqlite" else postgresql_insert
    key = next(iter(inspect(table).primary_key))
    statement = insert(table).values(values).on_conflict_do_nothing().returning(key)
    return session.scalar(statement) is not None


def upsert_rows(session: Session, table: type[DeclarativeBase], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or update the rows that have the same keys.

    Args:
        session: session in a transaction that may write.
        table: mapped class with a primary key of one column.
        rows: rows with a value for each column, sorted by key, so that concurrent transactions do not deadlock.

    """
    dialect = session.get_bind().dialect.name
    insert = sqlite_insert if dialect == "sqlite" else postgresql_insert
    key = next(iter(inspect(table).primary_key))
    statement = insert(table).values(rows)
    updates = {name: statement.excluded[name] for name in rows[0] if name != key.name}
    session.execute(statement.on_conflict_do_update(index_elements=[key], set_=updates))
