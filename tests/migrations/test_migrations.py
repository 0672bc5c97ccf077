"""The migrations, which alone make tables, make the tables that the models describe."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from migrations.upgrade import upgrade
from models import Base
from service.db.database import Sessions
from service.settings import Settings


@pytest.fixture
def engine(either_url):
    sessions = Sessions(either_url)
    yield sessions.engine
    sessions.dispose()


def test_the_tables_are_those_of_the_models(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_key_of_a_belonging_begins_with_its_job(engine):
    for table in ("epochs", "job_metrics", "job_tags", "transitions", "artifacts"):
        assert inspect(engine).get_pk_constraint(table)["constrained_columns"][0] == "job_id"


def test_a_second_upgrade_changes_nothing(either_url, tmp_path, engine):
    upgrade(Settings(data_dir=tmp_path, database_url=either_url))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
