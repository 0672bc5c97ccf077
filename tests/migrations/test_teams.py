"""From the tables of 0013, with a job, a dataset and a sweep in them, to those with users, and back."""

import hashlib
import json

from alembic import command
from sqlalchemy import inspect, text

from migrations.upgrade import upgrade_database
from models import DEFAULT_PROJECT_ID, Dataset, Job, Project, Sweep
from service.datasets import catalog
from service.db.database import SessionFactory
from service.jobs import attempts, insertion
from service.jobs.insertion import Idempotency
from service.queue.queue_notifier import QueueNotifier
from service.settings import Settings
from service.sweeps.life.creation import SweepSubmitter
from stackyard.spec import Limits
from tests.factories import submit_job
from tests.migrations.old_rows import (
    build_config,
    insert_dataset,
    insert_idempotency_key,
    insert_job,
    insert_sweep,
    open_revision,
)
from tests.migrations.test_workers import empty_url  # noqa: F401
from tests.service.sweeps.sweep_lab import build_sweep

SWEEP = json.dumps(build_sweep()).encode()


def test_objects_of_the_release_before_belong_to_the_default_project_without_an_owner(
    empty_url,  # noqa: F811
    tmp_path,
):
    with open_revision(empty_url, "0013") as session:
        job_id = insert_job(session)
        dataset_id = insert_dataset(session, "old", {"type": "table", "columns": [], "rows": 0})
        sweep_id = insert_sweep(
            session,
            build_sweep(),
            idempotency_key="sweep key",
            body_sha256=hashlib.sha256(SWEEP).hexdigest(),
        )
        insert_idempotency_key(session, "job key", "b" * 64, job_id)

    upgrade_database(Settings(data_dir=tmp_path, database_url=empty_url))

    sessions = SessionFactory(empty_url)
    with sessions.read() as session:
        assert session.get_one(Project, DEFAULT_PROJECT_ID).name == "default"
        for table, row_id in ((Job, job_id), (Dataset, dataset_id), (Sweep, sweep_id)):
            row = session.get_one(table, row_id)
            assert (row.project_id, row.owner_id) == (DEFAULT_PROJECT_ID, None)
        assert catalog.find_dataset(session, "old").id == dataset_id
        assert session.get_one(Job, job_id).charged_s == 0.0
        # Clients that repeat a request of before the upgrade find what it created.
        assert insertion.find_earlier_job(session, Idempotency("job key", "b" * 64)).id == job_id
    notifier = QueueNotifier(lambda _queue: None)
    assert SweepSubmitter(sessions, Limits(), notifier).submit(SWEEP, "sweep key") == sweep_id
    notifier.close()
    sessions.dispose()


def test_jobs_survive_the_way_back(empty_url, tmp_path):  # noqa: F811
    settings = Settings(data_dir=tmp_path, database_url=empty_url)
    upgrade_database(settings)
    sessions = SessionFactory(empty_url)
    with sessions.begin() as session:
        catalog.ensure_builtins(session)
    job = submit_job(sessions)
    sessions.dispose()

    command.downgrade(build_config(empty_url), "0013")

    sessions = SessionFactory(empty_url)
    inspector = inspect(sessions.engine)
    assert "users" not in inspector.get_table_names()
    assert not {"owner_id", "first_epoch"} & {column["name"] for column in inspector.get_columns("jobs")}
    with sessions.read() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs")) == 1
    sessions.dispose()

    upgrade_database(settings)

    sessions = SessionFactory(empty_url)
    with sessions.begin() as session:
        assert attempts.claim_job(session, queue="cpu", worker="here:8", lease_s=60).job_id == job.id
    sessions.dispose()
