"""The API and workers refuse a database of another release, with one line that says what to do."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from service.db.database import SessionFactory
from service.db.schema_revision import find_schema_mismatch

ROOT = Path(__file__).parents[3]
API = ["api", "--port", "0"]
WORKER = ["celery", "--app", "worker.celery_app:app", "worker", "--concurrency", "1"]
MIGRATION = ["migrations"]


def set_revision(url, revision):
    sessions = SessionFactory(url)
    with sessions.begin() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    sessions.dispose()


def start(command, url, tmp_path):
    environment = os.environ | {"STACKYARD_DATABASE_URL": url, "STACKYARD_DATA_DIR": str(tmp_path)}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_migrated_database_matches(either_sessions):
    assert find_schema_mismatch(either_sessions) is None


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("0003", "the schema 0003 of an older release"),
        ("9999", "the schema '9999', which stackyard .* does not know"),
        ("x\x1b[2J", r"\\x1b"),
    ],
)
def test_another_revision_is_described(either_url, revision, message):
    set_revision(either_url, revision)
    sessions = SessionFactory(either_url)
    mismatch = find_schema_mismatch(sessions)
    sessions.dispose()
    assert mismatch is not None
    assert re.search(message, mismatch.message)
    assert mismatch.is_newer == (revision != "0003")


def test_a_database_without_tables(tmp_path):
    sessions = SessionFactory(f"sqlite:///{tmp_path / 'empty.db'}")
    assert "python -m migrations" in find_schema_mismatch(sessions).advice
    sessions.dispose()


def test_processes_refuse_the_schema_of_another_release(sqlite_url, tmp_path):
    set_revision(sqlite_url, "9999")
    processes = [start(command, sqlite_url, tmp_path) for command in (WORKER, MIGRATION)]
    outputs = [process.communicate(timeout=60)[1] for process in processes]
    set_revision(sqlite_url, "0003")
    processes.append(start(API, sqlite_url, tmp_path))
    outputs.append(processes[-1].communicate(timeout=60)[1])
    assert {process.returncode for process in processes} == {os.EX_CONFIG}
    for output in outputs:
        assert len([line for line in output.splitlines() if "has the schema" in line]) == 1
        assert "Traceback" not in output
