"""Migration from 0002, with a job of each device, to the newest schema."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import make_url

from migrations.upgrade import upgrade_database
from models import Job
from service.db.database import SessionFactory
from service.db.ids import new_id
from service.jobs import attempts
from service.queue import placement
from service.settings import Settings
from tests.factories import build_registration, iris_spec, record_heartbeat

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request, tmp_path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    admin_url = request.getfixturevalue("postgres_admin_url")
    name = f"old_{uuid4().hex}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield make_url(admin_url).set(drivername="postgresql+psycopg", database=name).render_as_string()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_queued_and_ended_jobs_are_kept(empty_url, tmp_path):
    config = Config(ROOT / "alembic.ini")
    config.attributes["database_url"] = empty_url
    command.upgrade(config, "0002")
    sessions = SessionFactory(empty_url)
    ids = {device: new_id() for device in ("auto", "cpu", "gpu")}
    ended_id = new_id()
    with sessions.begin() as session:
        for device, job_id in ids.items():
            _insert_job(session, job_id, device, "queued")
        _insert_job(session, ended_id, "gpu", "succeeded")

    upgrade_database(Settings(data_dir=tmp_path, database_url=empty_url))

    record_heartbeat(sessions, build_registration("gpu"))
    with sessions.begin() as session:
        assert {device: session.get_one(Job, job_id).device for device, job_id in ids.items()} == {
            "auto": "auto",
            "cpu": "cpu",
            "gpu": "gpu",
        }
        job = session.get_one(Job, ended_id)
        assert (job.device, job.state.value, job.ran_on, job.worker_id) == ("gpu", "succeeded", None, None)
        assert placement.move_stranded_jobs(session) == 1
        assert attempts.has_waiting_jobs(session, "gpu")
    with sessions.read() as session:
        assert session.get_one(Job, ids["auto"]).queue == "gpu"
        assert session.get_one(Job, ids["cpu"]).queue == "cpu"
    sessions.dispose()


def _insert_job(session, job_id, device, state):
    """Insert a job as the release with 0002 did."""
    values = {
        "id": job_id.hex if session.get_bind().dialect.name == "sqlite" else job_id,
        "spec": json.dumps(iris_spec(run={"device": device, "priority": 5})),
        "state": state,
        "queue": "gpu" if device == "gpu" else "cpu",
    }
    session.execute(
        text(
            "INSERT INTO jobs (id, spec, state, dataset_name, dataset_version, queue, priority, attempt,"
            " lost_attempts, cancel_requested, epochs, epochs_done, metric_names, created_at, warnings)"
            " VALUES (:id, :spec, :state, 'builtin:iris', 1, :queue, 5, 0, 0, false, 3, 0, '[]', CURRENT_TIMESTAMP,"
            " '[]')"
        ),
        values,
    )
