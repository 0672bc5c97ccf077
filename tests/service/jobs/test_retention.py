"""Old jobs go, with all that is theirs, on both databases."""

import hashlib
from datetime import timedelta
from uuid import UUID

import pytest

from models import Artifact, DiscardedFile, Epoch, Job, JobState
from service.db.database import now
from service.db.ids import new_id
from service.jobs import attempts, jobs, retention
from service.jobs.attempts import Conclusion, EpochRow, MadeArtifact, MetricSummary
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore, Stored
from tests.factories import submit


@pytest.fixture
def ended(either_sessions, monkeypatch):
    """The id of a job that succeeded so many days ago, having been submitted a day before."""

    def ended(days):
        with either_sessions.read() as session:
            finished = now(session) - timedelta(days=days)
        created = finished - timedelta(days=1)
        old_id = UUID(int=int(created.timestamp() * 1000) << 80 | new_id().int & (1 << 80) - 1)
        monkeypatch.setattr("service.jobs.jobs.new_id", lambda: old_id)
        submit(either_sessions)
        with either_sessions.begin() as session:
            mine = attempts.claim(session, queue="cpu", worker="here:1", lease_s=60)
            attempts.record_epochs(session, mine, ["loss"], [EpochRow(0, [1.0])], {"loss": MetricSummary(1, 1, 0)})
            made = MadeArtifact("model", "application/octet-stream", Stored(_sha256(days), 7))
            attempts.conclude(session, mine, Conclusion(JobState.SUCCEEDED, artifacts=[made]))
            job = jobs.get(session, old_id)
            job.created_at, job.finished_at = created, finished
        return old_id

    return ended


@pytest.fixture
def tidy(either_sessions, tmp_path):
    return lambda **settings: retention.tidy(either_sessions, ArtifactStore(tmp_path / "f"), Settings(**settings))


def remaining(sessions, table):
    with sessions.read() as session:
        return session.query(table).count()


def test_a_job_is_deleted_once_it_has_been_over_for_so_long(either_sessions, ended, tidy):
    old, young = ended(10.1), ended(9.9)
    tidy(retention_days=10)
    with either_sessions.read() as session:
        assert [job.id for job in session.query(Job)] == [young]
        assert session.get(Job, old) is None
        assert session.query(Epoch).count() == session.query(Artifact).count() == 1
        assert [file.sha256 for file in session.query(DiscardedFile)] == [_sha256(10.1)]


def test_a_job_that_is_not_over_stays_however_old_it_is(either_sessions, ended, tidy):
    old = ended(400)
    with either_sessions.begin() as session:
        session.get_one(Job, old).state = JobState.PAUSED
    tidy(retention_days=10)
    assert remaining(either_sessions, Job) == 1


def test_nothing_goes_where_no_age_is_set(either_sessions, ended, tidy):
    ended(4000)
    tidy()
    assert remaining(either_sessions, Job) == 1


def test_more_than_one_transaction_deletes_all_go_in_one_round(either_sessions, ended, tidy, monkeypatch):
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    for days in range(20, 25):
        ended(days)
    tidy(retention_days=10)
    assert remaining(either_sessions, Job) == 0


def _sha256(days):
    return hashlib.sha256(str(days).encode()).hexdigest()
