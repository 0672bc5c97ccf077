"""SQLite shared by several processes: whose turn it is to write, and looks that wait no longer than they must.

SQLite has whoever finds the database locked sleep for up to a tenth of a second, again and again, while the one that
has just written begins anew at once: of eight processes that write without a pause, one was seen to wait for eight
seconds. Here the writers of an installation wait in line for the lock of a file beside the database.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

BUSY_TIMEOUT_S = 30
_WAL_SAFE = (3, 51, 3)
"""Before this release a checkpoint race can corrupt a WAL database that several processes share."""
_PROMPT_FOR_S = 0.05
_PROMPT_S, _PATIENT_S = 0.001, 0.004
"""How long one who wants to look sleeps while others commit, which takes some milliseconds."""
_PRIMARY = 0xFF
"""Of SQLite's error codes the byte that says what kind it is."""


def writing(url: str) -> Engine:
    """An engine whose transactions may write: each has the database to itself from its first statement."""
    return _engine(url, _begin_writing, BUSY_TIMEOUT_S)


def reading(url: str) -> Engine:
    """An engine whose transactions only look: each sees one moment from its first statement."""
    return _engine(url, _begin_reading, 0)


class WriteTurn:
    """Lets one thread of all processes write at a time; a process that dies gives its turn back.

    There are two locks: whoever is next waits for the turn with the second one in its hand. So the one that has just
    written, and would be the first to ask again, finds that somebody else is next.

    Args:
        url: of the database, beside whose file lie the files of the locks.

    """

    def __init__(self, url: str) -> None:
        database = make_url(url).database
        self._file = Path(database) if database and database != ":memory:" else None
        self._here = threading.Lock()

    @contextmanager
    def taken(self) -> Generator[None]:
        """Have the turn while the block runs.

        Raises:
            OperationalError: it took as long as SQLite would have waited, or the locks cannot be used.

        """
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        if not self._here.acquire(timeout=BUSY_TIMEOUT_S):
            raise _locked()
        try:
            with self._among_processes(deadline) if self._file else nullcontext():
                yield
        finally:
            self._here.release()

    @contextmanager
    def _among_processes(self, deadline: float) -> Generator[None]:
        turn = self._turn(deadline)
        try:
            yield
        finally:
            os.close(turn)  # and the lock with it

    def _turn(self, deadline: float) -> int:
        """The descriptor by which the turn is held."""
        try:
            waiting = _taken(f"{self._file}-next", deadline)
            try:
                return _taken(f"{self._file}-turn", deadline)
            finally:
                os.close(waiting)
        except OSError as error:
            raise OperationalError("BEGIN IMMEDIATE", None, error) from error


def _taken(path: str, deadline: float) -> int:
    """The descriptor by which a file is locked.

    Raises:
        OperationalError: somebody else had it until the deadline.

    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not _InLine(descriptor).granted(deadline - time.monotonic()):
            raise _locked() from None
    return descriptor


class _InLine(threading.Thread):
    """Waits for a file's lock in the kernel's own line, which those who ask again and again would never get into.

    The kernel knows no end of waiting. So a thread waits, and closes the file where nobody wants the lock any more.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(name="in-line", daemon=True)
        self._descriptor = descriptor
        self._granted = threading.Event()
        self._deciding = threading.Lock()
        self._given_up = False

    def granted(self, timeout: float) -> bool:
        """Whether the lock was had within so many seconds."""
        self.start()
        self._granted.wait(timeout)
        with self._deciding:
            self._given_up = not self._granted.is_set()
        return not self._given_up

    def run(self) -> None:
        """Wait."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._deciding:
            if self._given_up:
                os.close(self._descriptor)
            else:
                self._granted.set()


def _engine(url: str, begin: Callable[[Connection], None], timeout: float) -> Engine:
    arguments = {"timeout": timeout, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, pool_timeout=BUSY_TIMEOUT_S, hide_parameters=True)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", begin)
    return engine


def _configure(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late to be IMMEDIATE
    journal = "WAL" if sqlite3.sqlite_version_info >= _WAL_SAFE else "PERSIST"
    for pragma in (f"journal_mode={journal}", "synchronous=FULL", "foreign_keys=ON"):
        _wait(lambda pragma=pragma: _executed(connection, f"PRAGMA {pragma}"), time.monotonic() + BUSY_TIMEOUT_S)


def _begin_writing(connection: Connection) -> None:
    # A deferred transaction that turns to writing can fail at once with "database is locked".
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    """Begin, and look at once: with the first look comes the lock, which nobody takes away any more."""
    connection.exec_driver_sql("BEGIN DEFERRED")
    raw: Any = connection.connection.driver_connection
    if not _wait(lambda: _executed(raw, "SELECT 1 FROM sqlite_master LIMIT 1"), time.monotonic() + BUSY_TIMEOUT_S):
        raise _locked()


def _executed(connection: sqlite3.Connection, statement: str) -> bool:
    """Whether the statement could be executed; False if the database was locked."""
    try:
        connection.execute(statement).close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _wait(attempt: Callable[[], bool], deadline: float) -> bool:
    """Try until it succeeds; False if it did not by the deadline."""
    prompt_until = time.monotonic() + _PROMPT_FOR_S
    while not attempt():
        moment = time.monotonic()
        if moment > deadline:
            return False
        time.sleep(_PROMPT_S if moment < prompt_until else _PATIENT_S)
    return True


def _locked() -> OperationalError:
    return OperationalError("BEGIN", None, TimeoutError("database is locked"))
