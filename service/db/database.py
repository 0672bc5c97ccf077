"""Sessions on SQLite and PostgreSQL that behave alike, and the database's own clock."""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
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

_POOL_PATIENCE_S = 10
_ABSENCE = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""libpq's own parameters, by which a PostgreSQL that went away without a word is noticed before a lease is over."""

UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout)
"""What a transaction raises when the database cannot be reached, is locked for too long, or went away."""


class Sessions:
    """Where transactions begin: `begin()` to write, `read()` to look.

    Both raise one of `UNAVAILABLE` where the database is away. Of a transaction that fails so in its commit nobody
    knows whether it took place.

    Args:
        url: a SQLAlchemy URL, of SQLite or PostgreSQL through psycopg.

    """

    def __init__(self, url: str) -> None:
        if make_url(url).get_backend_name() == "sqlite":
            self.engine = sqlite.writing(url)
            self._looking = sqlite.reading(url)
            self._turn = sqlite.WriteTurn(url)
        else:
            self.engine = _postgresql(url)
            self._looking = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._turn = None
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
        self._reading = sessionmaker(self._looking, expire_on_commit=False, autoflush=False)

    @contextmanager
    def begin(self) -> Generator[Session]:
        """A session in a transaction that may write: committed at the end, rolled back on an exception."""
        with self._own_turn(), _absence_told(), self._writing.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Generator[Session]:
        """A session that only looks: it never waits for a writer's work, and sees one moment however often it asks."""
        with _absence_told(), self._reading() as session:
            yield session

    def _own_turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._turn is None else self._turn.taken()

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
        self._looking.dispose()


@contextmanager
def _absence_told() -> Generator[None]:
    """Raise as one of `UNAVAILABLE` what the driver calls something else although the connection broke over it."""
    try:
        yield
    except UNAVAILABLE:
        raise
    except DBAPIError as error:
        if error.connection_invalidated and error.orig is not None:
            raise OperationalError(error.statement, None, error.orig, hide_parameters=True) from error
        raise


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


def _postgresql(url: str) -> Engine:
    asked = make_url(url).query
    absence = {name: value for name, value in _ABSENCE.items() if name not in asked}
    return create_engine(
        url, connect_args=absence, pool_pre_ping=True, pool_timeout=_POOL_PATIENCE_S, hide_parameters=True
    )


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
