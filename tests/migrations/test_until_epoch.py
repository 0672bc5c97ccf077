"""From the tables of 0010, with a job that waits in them, to those of 0011, and back."""

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


def test_a_job_of_the_release_before_trains_to_its_end_and_can_be_given_an_until_epoch(empty_url, tmp_path):  # noqa: F811
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
    columns = {column["name"] for column in inspect(sessions.engine).get_columns("jobs")}
    assert columns.isdisjoint({"until_epoch", "continued_from"})
    with sessions.begin() as session:  # the release before wrote specs without the field
        session.execute(
            text("""UPDATE jobs SET spec = replace(CAST(spec AS TEXT), ', "until_epoch": null', '')::json""")
            if empty_url.startswith("postgresql")
            else text("""UPDATE jobs SET spec = replace(spec, ', "until_epoch": null', '')""")
        )
    sessions.dispose()

    upgrade_database(settings)

    sessions = SessionFactory(empty_url)
    with sessions.read() as session:
        assert "until_epoch" not in queries.get_job(session, job.id).spec["run"]
    claim = attempt_factories.claim_job(sessions)
    assert (claim.until_epoch, claim.continued_from) == (None, None)
    with sessions.begin() as session:
        changed = controls.set_until_epoch(session, job.id, 2)
        assert (changed.state, changed.until_epoch) == (JobState.RUNNING, 2)
    sessions.dispose()
