"""Migration from 0003, with jobs in every state, to the newest schema."""

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from migrations.upgrade import upgrade_database
from models import DiscardedFile, Epoch, Job, JobState, JobTag, Transition
from service.db.database import SessionFactory, get_current_time
from service.db.ids import new_id
from service.jobs import attempts, controls
from service.settings import Settings
from tests.factories import iris_spec
from tests.migrations.test_workers import empty_url  # noqa: F401

ROOT = Path(__file__).parents[2]
OLD_STATES = ("queued", "running", "succeeded", "diverged", "failed", "cancelled")


def test_jobs_in_every_state_are_kept_with_their_rows(empty_url, tmp_path):  # noqa: F811
    config = Config(ROOT / "alembic.ini")
    config.attributes["database_url"] = empty_url
    command.upgrade(config, "0003")
    sessions = SessionFactory(empty_url)
    ids = {state: new_id() for state in OLD_STATES}
    with sessions.begin() as session:
        for state, job_id in ids.items():
            _insert_job(session, job_id, state)

    upgrade_database(Settings(data_dir=tmp_path, database_url=empty_url))

    with sessions.begin() as session:
        for state, job_id in ids.items():
            job = session.get_one(Job, job_id)
            assert (job.state.value, job.pause_requested, job.crashes, job.spent_s) == (state, False, 0, 0.0)
            assert (job.peak_memory, job.architecture, job.retry_of) == (None, None, None)
            assert session.get_one(JobTag, (job_id, "old")).tag == "old"
            assert list(session.get_one(Epoch, (job_id, 0)).values) == [1.5]
            assert session.get_one(Transition, (job_id, 1)).to_state == "queued"
        session.add(DiscardedFile(sha256="a" * 64, discarded_at=get_current_time(session)))
        assert controls.pause_job(session, ids["queued"]).state is JobState.PAUSED
        controls.delete_job(session, ids["succeeded"])
    with sessions.read() as session:
        assert session.get(Epoch, (ids["succeeded"], 0)) is None, "rows of a job are still deleted with it"
    with pytest.raises(IntegrityError), sessions.begin() as session:
        session.execute(text("UPDATE jobs SET state = 'dreaming'"))
    with sessions.begin() as session:
        controls.resume_job(session, ids["queued"])
        assert attempts.has_waiting_jobs(session, "cpu")
    sessions.dispose()


def _insert_job(session, job_id, state):
    """Insert a job as the release with 0003 did, with a tag, an epoch and a transition."""
    key = job_id.hex if session.get_bind().dialect.name == "sqlite" else job_id
    session.execute(
        text(
            "INSERT INTO jobs (id, spec, state, dataset_name, dataset_version, device, queue, priority, attempt,"
            " lost_attempts, cancel_requested, epochs, epochs_done, metric_names, created_at, warnings)"
            " VALUES (:id, :spec, :state, 'builtin:iris', 1, 'cpu', 'cpu', 5, 0, 0, false, 3, 1, '[\"loss\"]',"
            " CURRENT_TIMESTAMP, '[]')"
        ),
        {"id": key, "spec": json.dumps(iris_spec()), "state": state},
    )
    session.execute(text("INSERT INTO job_tags (job_id, tag) VALUES (:id, 'old')"), {"id": key})
    session.add(Epoch(job_id=job_id, epoch=0, values=[1.5]))
    session.execute(
        text(
            "INSERT INTO transitions (job_id, number, to_state, attempt, at)"
            " VALUES (:id, 1, 'queued', 0, CURRENT_TIMESTAMP)"
        ),
        {"id": key},
    )
