"""From the tables of 0004, with a job that waits in them, to those of today, and back."""

import json
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

from migrations.upgrade import upgrade_database
from models import Job
from service.datasets import catalog
from service.db.database import SessionFactory
from service.db.ids import new_id
from service.jobs import attempts
from service.jobs.execution_environment import ExecutionEnvironment, ExecutionOptions
from service.settings import Settings
from tests.factories import iris_spec, submit_job
from tests.migrations.test_workers import empty_url  # noqa: F401

ROOT = Path(__file__).parents[2]
NEW_COLUMNS = {"task", "step_flops", "memory_estimate", "test_dataset_id", "test_dataset_name", "test_dataset_version"}
SHARED, ALONE = (ExecutionEnvironment("cpu", threads, "float32", {}) for threads in (1, 2))


def test_a_job_that_waits_is_still_claimed_as_a_small_one(empty_url, tmp_path):  # noqa: F811
    upgrade_database(Settings(data_dir=tmp_path, database_url=empty_url))
    sessions = SessionFactory(empty_url)
    old = new_id()
    with sessions.begin() as session:
        catalog.ensure_builtins(session)
        dataset_id = catalog.find_dataset(session, "builtin:iris").id
    config = Config(ROOT / "alembic.ini")
    config.attributes["database_url"] = empty_url
    command.downgrade(config, "0004")
    with sessions.begin() as session:
        _insert(session, old, dataset_id)

    upgrade_database(Settings(data_dir=tmp_path, database_url=empty_url))

    with sessions.read() as session:
        job = session.get_one(Job, old)
        assert [getattr(job, name) for name in NEW_COLUMNS] == [None] * len(NEW_COLUMNS)
    first = _claim(sessions)
    assert (first.job_id, first.ran_on, first.task) == (old, SHARED, None)
    new = submit_job(sessions)
    second = _claim(sessions)
    assert (second.job_id, second.ran_on, second.task) == (new.id, ALONE, new.task)

    command.downgrade(config, "0004")
    assert not NEW_COLUMNS & {column["name"] for column in inspect(sessions.engine).get_columns("jobs")}
    with sessions.read() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs")) == 2
    sessions.dispose()


def _claim(sessions):
    """An attempt of a child to which every job is large."""
    options = ExecutionOptions(SHARED, ALONE, large_step_flops=1)
    with sessions.begin() as session:
        return attempts.claim_job(session, queue="cpu", worker="here:8", lease_s=60, options=options)


def _insert(session, job_id, dataset_id):
    """A job that waits, as the release with 0004 wrote it."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    values = {
        "id": job_id.hex if sqlite else job_id,
        "dataset_id": dataset_id.hex if sqlite else dataset_id,
        "spec": json.dumps(iris_spec()),
    }
    session.execute(
        text(
            "INSERT INTO jobs (id, spec, state, dataset_id, dataset_name, dataset_version, device, queue, priority,"
            " attempt, lost_attempts, cancel_requested, epochs, epochs_done, metric_names, created_at, warnings)"
            " VALUES (:id, :spec, 'queued', :dataset_id, 'builtin:iris', 1, 'cpu', 'cpu', 5, 0, 0, false, 3, 0, '[]',"
            " CURRENT_TIMESTAMP, '[]')"
        ),
        values,
    )
