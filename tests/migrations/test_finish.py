"""From the tables of 0007, with a job that runs in them, to those of 0008, and back."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

from migrations.upgrade import upgrade_database
from models import JobState
from service.datasets import catalog
from service.db.database import SessionFactory
from service.jobs import controls, queries
from service.settings import Settings
from tests import attempt_factories
from tests.factories import submit_job
from tests.migrations.test_workers import empty_url  # noqa: F401

ROOT = Path(__file__).parents[2]


def test_a_job_of_the_release_before_can_be_finished(empty_url, tmp_path):  # noqa: F811
    settings = Settings(data_dir=tmp_path, database_url=empty_url)
    upgrade_database(settings)
    sessions = SessionFactory(empty_url)
    with sessions.begin() as session:
        catalog.ensure_builtins(session)
    job = submit_job(sessions)
    attempt_factories.claim_job(sessions)
    sessions.dispose()
    config = Config(ROOT / "alembic.ini")
    config.attributes["database_url"] = empty_url
    command.downgrade(config, "0007")
    sessions = SessionFactory(empty_url)
    assert "finish_after_epochs" not in {column["name"] for column in inspect(sessions.engine).get_columns("jobs")}
    with sessions.read() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs")) == 1
    sessions.dispose()

    upgrade_database(settings)

    sessions = SessionFactory(empty_url)
    with sessions.begin() as session:
        assert queries.get_job(session, job.id).finish_after_epochs is None
        assert controls.finish_job(session, job.id).state is JobState.RUNNING
    sessions.dispose()
