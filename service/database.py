"""Sessions on SQLite and PostgreSQL that behave alike, and the database's own clock."""

import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.sql.functions import FunctionElement

from models.types import UtcDateTime

_BUSY_TIMEOUT_S = 30
_WAL_SAFE_SQLITE = (3, 51, 3)
"""Before this release a checkpoint race can corrupt a WAL database that several processes share."""
_READ_ONLY = "stackyard_read_only"


UNAVAILABLE = (OperationalError, InterfaceError)
"""What SQLAlchemy raises when the database cannot be reached, is locked for too long, or went away."""


class Sessions:
    """Where transactions begin: `begin()` to write, `read()` to look.

    Args:
        url: a SQLAlchemy URL, of SQLite or PostgreSQL through psycopg.

    """

    def __init__(self, url: str) -> None:
        self.engine = _create_engine(url)
        self._turn = threading.Lock() if self.engine.dialect.name == "sqlite" else None
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
        self._reading = sessionmaker(_for_reading(self.engine), expire_on_commit=False, autoflush=False)

    @contextmanager
    def begin(self) -> Generator[Session]:
        """A session in a transaction that may write: committed at the end, rolled back on an exception."""
        with self._own_turn(), self._writing.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Generator[Session]:
        """A session that only looks: it never waits for a writer, and sees one moment however often it asks."""
        with self._reading() as session:
            yield session

    @contextmanager
    def _own_turn(self) -> Generator[None]:
        """Have this process's writers wait for each other, where SQLite would have each try again and again.

        Raises:
            OperationalError: it took as long as SQLite would have waited.

        """
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=_BUSY_TIMEOUT_S):
            raise OperationalError("BEGIN IMMEDIATE", None, TimeoutError("database is locked"))
        try:
            yield
        finally:
            self._turn.release()

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class Clock(FunctionElement[datetime]):
    """The database's clock within a statement: the one clock that every process of an installation shares."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(Clock, "sqlite")
def _sqlite_clock(_clock: Clock, _compiler: Any, **_: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"  # as SQLAlchemy stores times, so that they compare


@compiles(Clock, "postgresql")
def _postgresql_clock(_clock: Clock, _compiler: Any, **_: Any) -> str:
    return "clock_timestamp()"  # now() is the transaction's beginning


_NOW = select(Clock())


def now(session: Session) -> datetime:
    """What the database's clock says."""
    return session.scalars(_NOW).one()


def _create_engine(url: str) -> Engine:
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_S, "check_same_thread": False})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, pool_pre_ping=True)


def _for_reading(engine: Engine) -> Engine:
    options: dict[str, Any] = {_READ_ONLY: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return engine.execution_options(**options)


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late to be IMMEDIATE
    journal = "WAL" if sqlite3.sqlite_version_info >= _WAL_SAFE_SQLITE else "PERSIST"
    for pragma in (f"journal_mode={journal}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    # A deferred transaction that turns to writing can fail at once with "database is locked".
    connection.exec_driver_sql("BEGIN DEFERRED" if read_only else "BEGIN IMMEDIATE")


def insert_if_absent(session: Session, table: type[DeclarativeBase], values: dict[str, Any]) -> bool:
    """Insert a row unless one with an equal key is there, waiting for whoever is inserting it just now.

    Returns:
        Whether the row was inserted.

    """
    dialect = session.get_bind().dialect.name
    insert = sqlite_insert if dialect == "sqlite" else postgresql_insert
    key = next(iter(inspect(table).primary_key))
    statement = insert(table).values(values).on_conflict_do_nothing().returning(key)
    return session.scalar(statement) is not None


def upsert(session: Session, table: type[DeclarativeBase], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, or, where one with an equal key is there, give it these values.

    Args:
        session: in a transaction that may write.
        table: with a key of one column.
        rows: each with every column; in the order of their keys, so that two transactions cannot wait for each other.

    """
    dialect = session.get_bind().dialect.name
    insert = sqlite_insert if dialect == "sqlite" else postgresql_insert
    key = next(iter(inspect(table).primary_key))
    statement = insert(table).values(rows)
    updated = {name: statement.excluded[name] for name in rows[0] if name != key.name}
    session.execute(statement.on_conflict_do_update(index_elements=[key], set_=updated))
