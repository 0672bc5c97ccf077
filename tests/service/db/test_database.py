"""A database that goes away, and a SQLite that several processes write."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from models import Job
from service.db import database, sqlite
from service.db.database import UNAVAILABLE, Sessions
from tests.factories import submit
from tests.faults.databases import prepared, writers
from tests.servers.postgres import Away
from tests.waiting import until

_HOLD = """
import fcntl, os, sys
for name in sys.argv[1:]:
    fcntl.flock(os.open(name, os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def postgres(postgres_url):
    sessions = Sessions(postgres_url)
    yield sessions
    sessions.dispose()


class TestPostgresql:
    def test_a_connection_that_is_broken_off_in_a_transaction_is_told_as_such(self, postgres, postgres_url):
        def transaction():
            with postgres.begin() as session:
                session.execute(select(Job))
                Away(postgres_url).break_off()
                session.execute(select(Job))

        with pytest.raises(UNAVAILABLE):
            transaction()
        with postgres.begin() as session:
            assert session.scalar(select(1)) == 1

    def test_a_connection_that_is_broken_off_before_the_commit_is_told_as_such(self, postgres, postgres_url):
        def transaction():
            with postgres.begin() as session:
                session.execute(text("CREATE TABLE made (x int)"))
                Away(postgres_url).break_off()

        with pytest.raises(UNAVAILABLE):
            transaction()
        with postgres.read() as session:
            assert session.scalar(text("SELECT to_regclass('made')")) is None

    def test_an_end_that_postgresql_calls_an_invalid_state_is_told_as_absence(self, postgres, postgres_url):
        def transaction():
            with postgres.begin() as session:
                session.execute(text("SET idle_in_transaction_session_timeout = 1"))
                until(lambda: not Away(postgres_url).connections())
                session.execute(select(Job))

        with pytest.raises(UNAVAILABLE):
            transaction()

    def test_idle_connections_that_broke_are_replaced(self, postgres, postgres_url):
        with postgres.read() as one, postgres.read() as two:
            assert one.scalar(select(1)) == two.scalar(select(1))
        Away(postgres_url).break_off()
        for _ in range(3):
            with postgres.read() as session:
                assert session.scalar(select(1)) == 1

    def test_whoever_waits_too_long_for_a_connection_is_told_that_there_is_none(self, postgres_url, monkeypatch):
        monkeypatch.setattr(database, "_POOL_PATIENCE_S", 0.01)
        sessions = Sessions(postgres_url)
        held = [sessions.engine.connect() for _ in range(15)]
        with pytest.raises(UNAVAILABLE), sessions.read() as session:
            session.scalar(select(1))
        for connection in held:
            connection.close()
        sessions.dispose()


class TestSqlite:
    def test_processes_write_at_once_and_nothing_is_locked_or_lost(self, tmp_path):
        outcome = writers(prepared(tmp_path), processes=2, writes=60)
        assert not outcome.wrong, outcome
        assert outcome.jobs == 6

    def test_whoever_dies_gives_the_turn_back(self, sessions, sqlite_url):
        holder = _holder(sqlite_url)
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(submit, sessions)
            holder.kill()
            assert writing.result(10).attempt == 0
        holder.communicate()

    def test_whoever_waits_too_long_for_the_turn_is_told_that_the_database_is_locked(
        self, sessions, sqlite_url, monkeypatch
    ):
        monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
        holder = _holder(sqlite_url)
        with pytest.raises(UNAVAILABLE, match="locked"), sessions.begin():
            pass
        holder.communicate(b"")
        submit(sessions)

    def test_a_look_waits_for_a_commit_that_is_under_way(self, sessions, sqlite_url, monkeypatch):
        found_it_locked, executed = threading.Event(), sqlite._executed

        def noted(connection, statement):
            done = executed(connection, statement)
            found_it_locked.set() if not done else None
            return done

        monkeypatch.setattr(sqlite, "_executed", noted)
        with closing(sqlite3.connect(make_url(sqlite_url).database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with ThreadPoolExecutor(1) as pool:
                looking = pool.submit(_look, sessions)
                assert found_it_locked.wait(10)
                other.execute("COMMIT")
                assert looking.result(10) == 1


def _look(sessions):
    with sessions.read() as session:
        return session.scalar(select(1))


def _holder(url):
    """Another process that has the turn until its input ends or it is killed."""
    file = make_url(url).database
    command = [sys.executable, "-c", _HOLD, f"{file}-next", f"{file}-turn"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    return process
