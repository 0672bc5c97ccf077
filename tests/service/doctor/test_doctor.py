"""`stackyard doctor`: what it finds in healthy and in damaged installations."""

import itertools
import json
import sqlite3
import time
from contextlib import closing

import pytest
from redis import Redis
from typer.testing import CliRunner

from service.doctor import Level, examine
from stackyard.cli import app
from tests.factories import build_registration, record_heartbeat, submit_job


@pytest.fixture(autouse=True)
def installation(monkeypatch, sqlite_url, broker_url, tmp_path):
    """The environment of an installation with a database and a broker; returns a function that changes it."""
    tmp_path.chmod(0o700)

    def configure(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(f"STACKYARD_{name.upper()}", value)

    configure(data_dir=str(tmp_path), database_url=sqlite_url, broker_url=broker_url)
    return configure


def find(level, subject):
    """Examine, and return the findings of a level about a subject as text."""
    return [f"{item.message} {item.advice}" for item in examine() if (item.level, item.subject) == (level, subject)]


def test_a_healthy_installation(sessions):
    record_heartbeat(sessions, build_registration(versions={"stackyard": "0.1.0", "keras": "3"}))
    findings = list(examine())
    assert {item.subject for item in findings} >= {
        *("versions", "settings", "database", "clock", "broker", "storage", "devices", "disk", "workers")
    }
    assert [item for item in findings if item.level is not Level.OK and item.subject not in {"disk", "devices"}] == []
    assert all(item.advice for item in findings if item.level is not Level.OK)


class TestSettings:
    @pytest.mark.parametrize(
        ("variables", "level", "text"),
        [
            ({"token": "short"}, Level.WARNING, "shorter than 20 characters"),
            ({"token": "x" * 40, "metrics_token": "x" * 40}, Level.WARNING, "is the server's token"),
            ({"lease_s": "10", "heartbeat_s": "5"}, Level.PROBLEM, "fewer than 3 heartbeats"),
            ({"discard_grace_s": "1"}, Level.WARNING, "only 1 s"),
            ({"checkpoint_s": "3600"}, Level.WARNING, "repeats up to 3600 s"),
            ({"lease_s": "soon"}, Level.PROBLEM, "STACKYARD_LEASE_S: Input should be a valid number"),
            ({"token": " "}, Level.PROBLEM, "a blank token protects nothing"),
        ],
    )
    def test_a_risk_is_named(self, installation, variables, level, text):
        installation(**variables)
        [message] = find(level, "settings")
        assert text in message
        assert "soon" not in message

    def test_open_connections_to_other_machines(self, installation):
        installation(database_url="postgresql+psycopg://u@192.0.2.1/x", broker_url="redis://192.0.2.1/0")
        findings = examine()  # later checks, which would wait for the network, do not run
        text = "\n".join(item.message for item in itertools.islice(findings, 4))
        assert "database is not required to be encrypted" in text
        assert "has no password" in text
        assert "broker is not encrypted" in text


class TestDatabase:
    def test_a_missing_file_is_not_created(self, installation, tmp_path):
        installation(database_url=f"sqlite:///{tmp_path / 'other.db'}")
        assert "does not exist" in find(Level.PROBLEM, "database")[0]
        assert not (tmp_path / "other.db").exists()

    def test_a_server_that_does_not_answer(self, installation):
        installation(database_url="postgresql+psycopg://u:hidden@127.0.0.1:1/x")
        [message] = find(Level.PROBLEM, "database")
        assert "does not answer" in message
        assert "hidden" not in message

    def test_an_older_schema(self, tmp_path):
        with closing(sqlite3.connect(tmp_path / "stackyard.db")) as database:
            database.execute("UPDATE alembic_version SET version_num = '0003'")
            database.commit()
        assert "python -m migrations" in find(Level.PROBLEM, "database")[0]

    def test_postgresql(self, installation, postgres_url):
        installation(database_url=postgres_url)
        messages = find(Level.OK, "database")
        assert any(message.startswith("PostgreSQL 1") for message in messages)
        assert find(Level.OK, "clock")


class TestBroker:
    def test_one_that_is_not_running(self, installation, tmp_path):
        installation(broker_url=f"redis+socket://{tmp_path / 'no.sock'}")
        assert "stackyard serve" in find(Level.WARNING, "broker")[0]

    def test_one_that_does_not_answer(self, installation):
        installation(broker_url="redis://:hidden@127.0.0.1:1/0")
        [message] = find(Level.PROBLEM, "broker")
        assert "hidden" not in message

    def test_one_that_deletes_messages(self, broker_url):
        with Redis.from_url(broker_url.replace("redis+socket", "unix")) as broker:
            broker.config_set("maxmemory", "100mb")
            broker.config_set("maxmemory-policy", "allkeys-lru")
            try:
                assert "allkeys-lru" in find(Level.WARNING, "broker")[0]
            finally:
                broker.config_set("maxmemory-policy", "noeviction")
                broker.config_set("maxmemory", "0")


class TestStorage:
    def test_a_bucket(self, installation, bucket):
        installation(**bucket)
        assert bucket["artifacts_url"] in find(Level.OK, "storage")[0]

    def test_a_bucket_that_does_not_exist(self, installation, bucket):
        installation(**bucket | {"artifacts_url": "s3://missing"})
        assert "STACKYARD_ARTIFACTS_URL" in find(Level.PROBLEM, "storage")[0]

    def test_a_directory_that_cannot_be_used(self, tmp_path):
        (tmp_path / "incoming").write_text("a file")
        assert find(Level.PROBLEM, "storage")

    def test_nothing_is_left_behind(self, tmp_path):
        assert find(Level.OK, "storage")
        assert [path for path in (tmp_path / "sha256").rglob("*") if path.is_file()] == []
        assert list((tmp_path / "incoming").iterdir()) == []

    @pytest.mark.parametrize(("offset_s", "text"), [(3600, "behind"), (-3600, "ahead of")])
    def test_a_clock_that_is_wrong(self, monkeypatch, tmp_path, offset_s, text):
        now = time.time
        monkeypatch.setattr("time.time", lambda: now() + offset_s)
        assert text in find(Level.WARNING, "clock")[0]
        assert [path for path in (tmp_path / "sha256").rglob("*") if path.is_file()] == []


class TestWorkers:
    def test_jobs_that_no_worker_takes(self, sessions):
        submit_job(sessions)
        assert "1 jobs wait on cpu" in find(Level.PROBLEM, "workers")[0]

    def test_other_versions_and_lost_workers(self, sessions):
        record_heartbeat(sessions, build_registration(versions={"stackyard": "0.0.9", "keras": "3.15.1"}))
        record_heartbeat(sessions, build_registration(versions={"stackyard": "0.1.0", "keras": "3.14.0"}))
        record_heartbeat(sessions, build_registration(host="dead"), lasts_s=-1)
        text = "\n".join(find(Level.WARNING, "workers"))
        assert "stackyard 0.0.9, 0.1.0" in text
        assert "keras 3.14.0, 3.15.1" in text
        assert "1 workers were lost within the last day, on dead" in text


class TestCommand:
    def test_a_problem_is_the_exit_status(self, sessions):
        submit_job(sessions)
        result = CliRunner().invoke(app, ["doctor", "--json"])
        assert result.exit_code == 1
        findings = json.loads(result.stdout)["findings"]
        assert {"subject", "level", "message", "advice"} == set(findings[0])
        assert "workers" in {item["subject"] for item in findings if item["level"] == "problem"}

    def test_a_directory_without_a_server(self, monkeypatch, tmp_path):
        for name in ("DATA_DIR", "DATABASE_URL", "BROKER_URL"):
            monkeypatch.delenv(f"STACKYARD_{name}")
        (tmp_path / "new").mkdir()
        result = CliRunner().invoke(app, ["doctor", "--data-dir", str(tmp_path / "new")])
        assert result.exit_code == 1
        assert "problem database" in " ".join(result.stdout.split())
        assert "-> `stackyard serve` creates it." in result.stdout
        assert list(tmp_path.glob("new/stackyard.db*")) == []
