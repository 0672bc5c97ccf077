"""Old jobs are deleted with everything that belongs to them, on both databases."""

import hashlib
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from models import Artifact, DiscardedFile, Epoch, Job, JobState, Transition
from service.db.database import get_current_time
from service.db.ids import new_id
from service.jobs import attempts, queries, retention
from service.jobs.attempts import Conclusion, EpochMetrics, MetricSummary, StoredArtifact
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore, FileReference
from tests.factories import submit_job


@pytest.fixture
def add_ended_job(either_sessions):
    """Return the id of a job that succeeded so many days ago, and was submitted a day before."""

    def add_ended_job(days):
        with either_sessions.read() as session:
            finished_at = get_current_time(session) - timedelta(days=days)
        created_at = finished_at - timedelta(days=1)
        old_id = UUID(int=int(created_at.timestamp() * 1000) << 80 | new_id().int & (1 << 80) - 1)
        job = submit_job(either_sessions)
        with either_sessions.begin() as session:
            session.execute(delete(Transition).where(Transition.job_id == job.id))  # it refers to the id
            session.execute(update(Job).where(Job.id == job.id).values(id=old_id))
        with either_sessions.begin() as session:
            claimed = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
            attempts.record_epochs(
                session, claimed, ["loss"], [EpochMetrics(0, [1.0])], {"loss": MetricSummary(1, 1, 0)}
            )
            artifact = StoredArtifact("model", "application/octet-stream", FileReference(_hash(days), 7))
            attempts.conclude_attempt(session, claimed, Conclusion(JobState.SUCCEEDED, artifacts=[artifact]))
            row = queries.get_job(session, old_id)
            row.created_at, row.finished_at = created_at, finished_at
        return old_id

    return add_ended_job


@pytest.fixture
def run_retention(either_sessions, tmp_path):
    def run_retention(retention_days=None, **options):
        store, settings = ArtifactStore(tmp_path / "f"), Settings(retention_days=retention_days)
        retention.delete_expired_data(either_sessions, store, settings, **options)

    return run_retention


def count_rows(sessions, table):
    with sessions.read() as session:
        return session.query(table).count()


def test_a_job_is_deleted_once_its_retention_period_is_over(either_sessions, add_ended_job, run_retention):
    old, young = add_ended_job(10.1), add_ended_job(9.9)
    run_retention(retention_days=10)
    with either_sessions.read() as session:
        assert [job.id for job in session.query(Job)] == [young]
        assert session.get(Job, old) is None
        assert session.query(Epoch).count() == session.query(Artifact).count() == 1
        assert [file.sha256 for file in session.query(DiscardedFile)] == [_hash(10.1)]


def test_a_job_that_has_not_ended_is_kept_at_any_age(either_sessions, add_ended_job, run_retention):
    old = add_ended_job(400)
    with either_sessions.begin() as session:
        session.get_one(Job, old).state = JobState.PAUSED
    run_retention(retention_days=10)
    assert count_rows(either_sessions, Job) == 1


def test_without_a_retention_period_every_job_is_kept(either_sessions, add_ended_job, run_retention):
    add_ended_job(4000)
    run_retention()
    assert count_rows(either_sessions, Job) == 1


def test_one_round_deletes_jobs_in_several_transactions(either_sessions, add_ended_job, run_retention):
    for days in range(20, 25):
        add_ended_job(days)
    run_retention(retention_days=10, batch_size=2)
    assert count_rows(either_sessions, Job) == 0


def _hash(days):
    return hashlib.sha256(str(days).encode()).hexdigest()
