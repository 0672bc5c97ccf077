"""The migrations create the tables that the models declare."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from migrations.upgrade import upgrade_database
from models import Base
from service.db.database import SessionFactory
from service.settings import Settings


@pytest.fixture
def engine(either_url):
    sessions = SessionFactory(either_url)
    yield sessions.engine
    sessions.dispose()


def test_migrated_tables_match_the_models(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_primary_keys_of_job_rows_begin_with_the_job(engine):
    for table in ("epochs", "job_metrics", "job_tags", "transitions", "artifacts"):
        assert inspect(engine).get_pk_constraint(table)["constrained_columns"][0] == "job_id"


def test_second_upgrade_changes_nothing(either_url, tmp_path, engine):
    upgrade_database(Settings(data_dir=tmp_path, database_url=either_url))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
