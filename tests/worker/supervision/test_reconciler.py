"""What a round of the reconciler puts right, on a real database and a real broker."""

import os
import time
from datetime import timedelta

import pytest

from models import DiscardedFile, IdempotencyKey, JobState
from service.db.database import now
from service.jobs import attempts, jobs, retention
from service.jobs.attempts import Conclusion, MadeArtifact
from service.queue.wake_ups import WakeUps
from tests.factories import beat, registration, submit
from worker.supervision.reconciler import reconcile, sweep


@pytest.fixture
def wake_ups(settings):
    """On a broker that holds none, whatever the tests before have left there."""
    wake_ups = WakeUps(settings)
    with wake_ups._app.connection_for_write() as connection:
        connection.default_channel.queue_purge("cpu")
    return wake_ups


def test_a_waiting_job_without_a_message_gets_one_and_no_more(sessions, wake_ups):
    submit(sessions)
    assert wake_ups.pending("cpu") == 0
    for _ in range(3):
        reconcile(sessions, wake_ups)
        assert wake_ups.pending("cpu") == 1


def test_as_many_are_woken_as_have_a_place_for_a_job(sessions, wake_ups):
    """A broker that was emptied is not to leave them idle until one after the other is woken."""
    beat(sessions, registration(concurrency=3))
    for _ in range(5):
        submit(sessions)
    with sessions.begin() as session:
        attempts.claim(session, queue="cpu", worker="here:1", lease_s=60)
    for _ in range(2):
        reconcile(sessions, wake_ups)
        assert wake_ups.pending("cpu") == 2


def test_nobody_is_woken_for_nothing(sessions, wake_ups):
    reconcile(sessions, wake_ups)
    assert wake_ups.pending("cpu") == 0


def test_a_lost_attempt_is_queued_again_and_its_workers_are_woken(sessions, wake_ups):
    job = submit(sessions)
    with sessions.begin() as session:
        attempts.claim(session, queue="cpu", worker="gone:1", lease_s=0.0)
    reconcile(sessions, wake_ups)
    with sessions.read() as session:
        found = jobs.get(session, job.id)
    assert (found.state, found.reason["code"]) == (JobState.QUEUED, "attempt_lost")
    assert "gone:1" in found.reason["message"]
    assert wake_ups.pending("cpu") == 1


def test_the_files_of_a_deleted_job_go_once_they_are_old(sessions, store, settings):
    kept, deleted = submit(sessions), submit(sessions)
    files = {}
    for job, content in ((kept, b"kept"), (deleted, b"deleted")):
        with store.receive() as incoming:
            incoming.write(content)
            stored = store.keep(incoming)
        with sessions.begin() as session:
            claimed = attempts.claim(session, queue="cpu", worker="here:1", lease_s=60)
            made = MadeArtifact("model", "application/octet-stream", stored)
            attempts.conclude(session, claimed, Conclusion(JobState.SUCCEEDED, artifacts=[made]))
        files[job.id] = store.path(stored.sha256)
    with sessions.begin() as session:
        jobs.remove(session, deleted.id)
    retention.tidy(sessions, store, settings)
    assert files[deleted.id].exists(), "a young file may belong to a transaction that is not over"
    for path in files.values():
        os.utime(path, (time.time() - 7200,) * 2)
    with sessions.begin() as session:
        session.query(DiscardedFile).update({"discarded_at": now(session) - timedelta(hours=2)})
    retention.tidy(sessions, store, settings)
    assert files[kept.id].exists()
    assert not files[deleted.id].exists()


def test_old_idempotency_keys_are_forgotten(sessions, store):
    job = submit(sessions)
    with sessions.begin() as session:
        for key, age in (("old", 25), ("new", 23)):
            created = now(session) - timedelta(hours=age)
            session.add(IdempotencyKey(key=key, body_sha256="", job_id=job.id, created_at=created))
    sweep(sessions, store)
    with sessions.read() as session:
        assert session.get(IdempotencyKey, "old") is None
        assert session.get(IdempotencyKey, "new") is not None
