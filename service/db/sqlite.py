"""SQLite shared by several processes: a fair lock for writers, and readers that retry quickly.

On a locked database SQLite sleeps and retries, with growing intervals, while the last writer begins again at once. So
one of several busy writers can starve. Here the writers of an installation queue for the lock of a file beside the
database instead.
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
MIN_WAL_VERSION = (3, 51, 3)
"""In earlier releases a checkpoint race can corrupt a WAL database that several processes share."""
_FAST_RETRY_PERIOD_S = 0.05
_FAST_RETRY_S, _SLOW_RETRY_S = 0.001, 0.004
"""Sleep between two attempts to read while another process commits, which takes milliseconds."""
_PRIMARY_CODE_MASK = 0xFF
"""The low byte of an extended SQLite error code is its primary code."""


def create_write_engine(url: str) -> Engine:
    """Create an engine whose transactions may write; each has exclusive access from its first statement."""
    return _create_engine(url, _begin_write, BUSY_TIMEOUT_S)


def create_read_engine(url: str) -> Engine:
    """Create an engine whose transactions only read; each reads one snapshot from its first statement."""
    return _create_engine(url, _begin_read, 0)


class WriterLock:
    """Lock that one thread of all processes holds while it writes. The kernel releases it when a process dies.

    It consists of two file locks: the next writer holds the `-next` lock while it waits for the `-turn` lock. So the
    last writer, which would otherwise be the first to ask again, queues behind it.

    Args:
        url: URL of the database. The lock files are in the same directory as its file.

    """

    def __init__(self, url: str) -> None:
        database = make_url(url).database
        self._file = Path(database) if database and database != ":memory:" else None
        self._thread_lock = threading.Lock()

    @contextmanager
    def acquire(self) -> Generator[None]:
        """Hold the lock while the block runs.

        Raises:
            OperationalError: the lock was not free within SQLite's busy timeout, or the lock files cannot be used.

        """
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        if not self._thread_lock.acquire(timeout=BUSY_TIMEOUT_S):
            raise _build_locked_error()
        try:
            with self._hold_process_lock(deadline) if self._file else nullcontext():
                yield
        finally:
            self._thread_lock.release()

    @contextmanager
    def _hold_process_lock(self, deadline: float) -> Generator[None]:
        descriptor = self._open_process_lock(deadline)
        try:
            yield
        finally:
            os.close(descriptor)  # which releases the lock

    def _open_process_lock(self, deadline: float) -> int:
        """Return the descriptor that holds the `-turn` lock."""
        try:
            next_descriptor = _open_locked(f"{self._file}-next", deadline)
            try:
                return _open_locked(f"{self._file}-turn", deadline)
            finally:
                os.close(next_descriptor)
        except OSError as error:
            raise OperationalError("BEGIN IMMEDIATE", None, error) from error


def _open_locked(path: str, deadline: float) -> int:
    """Lock a file and return the descriptor that holds the lock.

    Raises:
        OperationalError: another process held the lock until the deadline.

    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not _FairFileLock(descriptor).acquire(deadline - time.monotonic()):
            raise _build_locked_error() from None
    return descriptor


class _FairFileLock(threading.Thread):
    """Waits for a file lock in the kernel's queue; polling for it would lose against the waiters in that queue.

    A blocking `flock` has no timeout. So a thread waits for it, and closes the file if the caller has given up.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(name="fair-file-lock", daemon=True)
        self._descriptor = descriptor
        self._acquired = threading.Event()
        self._outcome_lock = threading.Lock()
        self._timed_out = False

    def acquire(self, timeout: float) -> bool:
        """Return whether the lock was acquired within `timeout` seconds."""
        self.start()
        self._acquired.wait(timeout)
        with self._outcome_lock:
            self._timed_out = not self._acquired.is_set()
        return not self._timed_out

    def run(self) -> None:
        """Wait for the lock."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._outcome_lock:
            if self._timed_out:
                os.close(self._descriptor)
            else:
                self._acquired.set()


def _create_engine(url: str, begin: Callable[[Connection], None], timeout_s: float) -> Engine:
    arguments = {"timeout": timeout_s, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, pool_timeout=BUSY_TIMEOUT_S, hide_parameters=True)
    event.listen(engine, "connect", _configure_connection)
    event.listen(engine, "begin", begin)
    return engine


def _configure_connection(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late to be IMMEDIATE
    journal_mode = "WAL" if sqlite3.sqlite_version_info >= MIN_WAL_VERSION else "PERSIST"
    for pragma in (f"journal_mode={journal_mode}", "synchronous=FULL", "foreign_keys=ON"):
        _execute_until(connection, f"PRAGMA {pragma}", time.monotonic() + BUSY_TIMEOUT_S)


def _begin_write(connection: Connection) -> None:
    # A deferred transaction that starts to write can fail at once with "database is locked".
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_read(connection: Connection) -> None:
    """Begin, and read at once: the first read takes the shared lock, which lasts until the transaction ends."""
    connection.exec_driver_sql("BEGIN DEFERRED")
    driver_connection: Any = connection.connection.driver_connection
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    if not _execute_until(driver_connection, "SELECT 1 FROM sqlite_master LIMIT 1", deadline):
        raise _build_locked_error()


def _execute_until(connection: sqlite3.Connection, statement: str, deadline: float) -> bool:
    """Retry a statement while the database is locked. Return whether it succeeded before the deadline."""
    fast_until = time.monotonic() + _FAST_RETRY_PERIOD_S
    while not _try_execute(connection, statement):
        current_time = time.monotonic()
        if current_time > deadline:
            return False
        time.sleep(_FAST_RETRY_S if current_time < fast_until else _SLOW_RETRY_S)
    return True


def _try_execute(connection: sqlite3.Connection, statement: str) -> bool:
    """Execute a statement. Return False if the database was locked."""
    try:
        connection.execute(statement).close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY_CODE_MASK != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _build_locked_error() -> OperationalError:
    return OperationalError("BEGIN", None, TimeoutError("database is locked"))
