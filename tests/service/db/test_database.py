"""Lost database connections, and SQLite with several writing processes."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from models import Job
from service.db import sqlite
from service.db.database import DATABASE_UNAVAILABLE_ERRORS, SessionFactory
from tests.factories import submit_job
from tests.faults.databases import create_database, run_writer_trial
from tests.polling import wait_until
from tests.servers.postgres import DatabaseOutage

_HOLD_LOCKS = """
import fcntl, os, sys
for name in sys.argv[1:]:
    fcntl.flock(os.open(name, os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def postgres(postgres_url):
    sessions = SessionFactory(postgres_url)
    yield sessions
    sessions.dispose()


class TestPostgresql:
    def test_connection_lost_within_a_transaction_raises_unavailable(self, postgres, postgres_url):
        def run_transaction():
            with postgres.begin() as session:
                session.execute(select(Job))
                DatabaseOutage(postgres_url).terminate_connections()
                session.execute(select(Job))

        with pytest.raises(DATABASE_UNAVAILABLE_ERRORS):
            run_transaction()
        with postgres.begin() as session:
            assert session.scalar(select(1)) == 1

    def test_connection_lost_before_the_commit_raises_unavailable(self, postgres, postgres_url):
        def run_transaction():
            with postgres.begin() as session:
                session.execute(text("CREATE TABLE new_table (x int)"))
                DatabaseOutage(postgres_url).terminate_connections()

        with pytest.raises(DATABASE_UNAVAILABLE_ERRORS):
            run_transaction()
        with postgres.read() as session:
            assert session.scalar(text("SELECT to_regclass('new_table')")) is None

    def test_idle_in_transaction_timeout_raises_unavailable(self, postgres, postgres_url):
        def run_transaction():
            with postgres.begin() as session:
                session.execute(text("SET idle_in_transaction_session_timeout = 1"))
                wait_until(lambda: not DatabaseOutage(postgres_url).count_connections())
                session.execute(select(Job))

        with pytest.raises(DATABASE_UNAVAILABLE_ERRORS):
            run_transaction()

    def test_lost_idle_connections_are_replaced(self, postgres, postgres_url):
        with postgres.read() as first, postgres.read() as second:
            assert first.scalar(select(1)) == second.scalar(select(1))
        DatabaseOutage(postgres_url).terminate_connections()
        for _ in range(3):
            with postgres.read() as session:
                assert session.scalar(select(1)) == 1

    def test_exhausted_connection_pool_raises_unavailable_after_its_timeout(self, postgres_url):
        sessions = SessionFactory(postgres_url, pool_timeout_s=0.01)
        connections = [sessions.engine.connect() for _ in range(15)]
        with pytest.raises(DATABASE_UNAVAILABLE_ERRORS), sessions.read() as session:
            session.scalar(select(1))
        for connection in connections:
            connection.close()
        sessions.dispose()


class TestSqlite:
    def test_concurrent_writers_lose_nothing_and_get_no_lock_errors(self, tmp_path):
        outcome = run_writer_trial(create_database(tmp_path), processes=2, writes=60)
        assert not outcome.wrong, outcome
        assert outcome.jobs == 6

    def test_killed_process_releases_the_writer_lock(self, sessions, sqlite_url):
        holder = _start_lock_holder(sqlite_url)
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(submit_job, sessions)
            holder.kill()
            assert writing.result(10).attempt == 0
        holder.communicate()

    def test_writer_lock_held_too_long_raises_unavailable(self, sessions, sqlite_url, monkeypatch):
        monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
        holder = _start_lock_holder(sqlite_url)
        with pytest.raises(DATABASE_UNAVAILABLE_ERRORS, match="locked"), sessions.begin():
            pass
        holder.communicate(b"")
        submit_job(sessions)

    def test_reader_waits_for_a_running_commit(self, sessions, sqlite_url):
        with closing(sqlite3.connect(make_url(sqlite_url).database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with ThreadPoolExecutor(1) as pool:
                reading = pool.submit(_read_value, sessions)
                with pytest.raises(TimeoutError):
                    reading.result(0.2)
                other.execute("COMMIT")
                assert reading.result(10) == 1


def _read_value(sessions):
    with sessions.read() as session:
        return session.scalar(select(1))


def _start_lock_holder(url):
    """Start a process that holds the writer lock until its input ends or it is killed."""
    file = make_url(url).database
    command = [sys.executable, "-c", _HOLD_LOCKS, f"{file}-next", f"{file}-turn"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    return process
