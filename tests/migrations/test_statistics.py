"""From the tables of 0010, with a dataset and a job in them, to those of 0011, and back."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

from migrations.upgrade import upgrade_database
from service.datasets import catalog
from service.db.database import SessionFactory
from service.jobs import queries
from service.settings import Settings
from tests.factories import submit_job
from tests.migrations.test_workers import empty_url  # noqa: F401

ROOT = Path(__file__).parents[2]


def test_rows_of_the_release_before_lack_statistics_and_specs_as_sent(empty_url, tmp_path):  # noqa: F811
    settings = Settings(data_dir=tmp_path, database_url=empty_url)
    upgrade_database(settings)
    sessions = SessionFactory(empty_url)
    with sessions.begin() as session:
        catalog.ensure_builtins(session)
    job = submit_job(sessions)
    sessions.dispose()
    config = Config(ROOT / "alembic.ini")
    config.attributes["database_url"] = empty_url
    command.downgrade(config, "0010")
    sessions = SessionFactory(empty_url)
    assert "statistics" not in {column["name"] for column in inspect(sessions.engine).get_columns("datasets")}
    with sessions.read() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs")) == 1
    sessions.dispose()

    upgrade_database(settings)

    sessions = SessionFactory(empty_url)
    with sessions.read() as session:
        assert queries.get_job(session, job.id).spec_as_sent is None
        assert catalog.find_dataset(session, "builtin:iris").statistics is None
    sessions.dispose()
