"""From the tables of 0016, with jobs in them, to those with backends, and back."""

from alembic import command
from sqlalchemy import inspect, text

from migrations.upgrade import upgrade_database
from models import Backend, Job, JobState
from service.datasets import catalog
from service.db.database import SessionFactory
from service.jobs import attempts, queries, validation
from service.settings import Settings
from stackyard.spec import Limits
from tests.factories import submit_job
from tests.migrations.old_rows import build_config, insert_job, open_revision, store_id
from tests.migrations.test_workers import empty_url  # noqa: F401


def test_a_job_of_the_release_before_trains_on_tensorflow_and_so_does_its_retry(empty_url, tmp_path):  # noqa: F811
    with open_revision(empty_url, "0016") as session:
        catalog_id = _insert_iris(session)
        ran_on = '{"device": "cpu", "threads": 1, "precision": "float32", "versions": {}}'
        ended = insert_job(session, state="failed", dataset_id=store_id(session, catalog_id), ran_on=ran_on)
        waiting = insert_job(session, dataset_id=store_id(session, catalog_id))

    upgrade_database(Settings(data_dir=tmp_path, database_url=empty_url))

    sessions = SessionFactory(empty_url)
    with sessions.begin() as session:
        assert attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60, backend=Backend.JAX) is None
        claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60, backend=Backend.TENSORFLOW)
        assert claim.job_id == waiting
        assert validation.validate_retry(session, ended, Limits()).backend is Backend.TENSORFLOW
        assert queries.get_job(session, ended).state is JobState.FAILED
    assert submit_job(sessions).backend is Backend.JAX
    sessions.dispose()

    command.downgrade(build_config(empty_url), "0016")
    assert "backend" not in {column["name"] for column in inspect(sessions.engine).get_columns("jobs")}
    assert not inspect(sessions.engine).has_table("worker_children")
    with sessions.read() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs")) == 3
    sessions.dispose()


def _insert_iris(session):
    """Insert the built-in datasets, whose table has not changed, and return the id of iris."""
    catalog.ensure_builtins(session)
    session.flush()
    return catalog.find_dataset(session, "builtin:iris").id


def test_a_job_cannot_have_an_unknown_backend(either_sessions):
    job = submit_job(either_sessions)
    with either_sessions.read() as session:
        assert session.get_one(Job, job.id).backend is Backend.JAX
    constraints = {constraint["name"] for constraint in inspect(either_sessions.engine).get_check_constraints("jobs")}
    assert "ck_jobs_backend" in constraints
