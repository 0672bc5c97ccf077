"""From the tables of 0010, with a dataset and a job in them, to the newest ones."""

from migrations.upgrade import upgrade_database
from service.datasets import catalog
from service.db.database import SessionFactory
from service.jobs import queries
from service.settings import Settings
from tests.migrations.old_rows import insert_dataset, insert_job, open_revision
from tests.migrations.test_workers import empty_url  # noqa: F401


def test_rows_of_the_release_before_lack_statistics_and_specs_as_sent(empty_url, tmp_path):  # noqa: F811
    with open_revision(empty_url, "0010") as session:
        job_id = insert_job(session)
        insert_dataset(session, "old", {"type": "table", "columns": [], "rows": 0})

    upgrade_database(Settings(data_dir=tmp_path, database_url=empty_url))

    sessions = SessionFactory(empty_url)
    with sessions.read() as session:
        assert queries.get_job(session, job_id).spec_as_sent is None
        assert catalog.find_dataset(session, "old").statistics is None
    sessions.dispose()
