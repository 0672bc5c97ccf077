"""A round of the reconciler, on a real database and a real broker."""

import os
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from models import DiscardedFile, IdempotencyKey, JobState, Token, UserRole
from service.db.database import DATABASE_UNAVAILABLE_ERRORS, get_current_time
from service.jobs import attempts, controls, queries, retention
from service.jobs.attempts import Conclusion, StoredArtifact
from service.team import tokens, users
from tests.factories import build_registration, record_heartbeat, submit_job
from tests.polling import wait_until
from worker.supervision.outage_grace import OutageGrace
from worker.supervision.reconciler import reconcile_after_grace, reconcile_jobs, sweep_leftovers


def test_a_waiting_job_without_a_wake_up_gets_exactly_one(sessions, wake_ups):
    submit_job(sessions)
    assert wake_ups.count_pending("cpu") == 0
    for _ in range(3):
        reconcile_jobs(sessions, wake_ups)
        assert wake_ups.count_pending("cpu") == 1


def test_as_many_wake_ups_are_sent_as_children_are_free(sessions, wake_ups):
    """After a broker has lost its messages, all free children start at once, not one after the other."""
    record_heartbeat(sessions, build_registration(concurrency=3))
    for _ in range(5):
        submit_job(sessions)
    with sessions.begin() as session:
        attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
    for _ in range(2):
        reconcile_jobs(sessions, wake_ups)
        assert wake_ups.count_pending("cpu") == 2


def test_no_wake_up_is_sent_without_a_waiting_job(sessions, wake_ups):
    reconcile_jobs(sessions, wake_ups)
    assert wake_ups.count_pending("cpu") == 0


def test_the_job_of_a_lost_attempt_is_queued_again_with_a_wake_up(sessions, wake_ups):
    job = submit_job(sessions)
    with sessions.begin() as session:
        attempts.claim_job(session, queue="cpu", worker="gone:1", lease_s=0.0)
    reconcile_jobs(sessions, wake_ups)
    with sessions.read() as session:
        recovered_job = queries.get_job(session, job.id)
    assert (recovered_job.state, recovered_job.reason["code"]) == (JobState.QUEUED, "attempt_lost")
    assert "gone:1" in recovered_job.reason["message"]
    assert wake_ups.count_pending("cpu") == 1


def test_attempts_are_not_lost_right_after_an_outage_of_the_database(sessions, wake_ups):
    def rename_jobs(old, new):
        with sessions.begin() as session:
            session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    def get_state():
        with sessions.read() as session:
            return queries.get_job(session, job.id).state

    job = submit_job(sessions)
    with sessions.begin() as session:
        attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=0.0)
    grace = OutageGrace(sessions, grace_s=1.0)
    rename_jobs("jobs", "unreachable")
    with pytest.raises(DATABASE_UNAVAILABLE_ERRORS):
        reconcile_after_grace(sessions, wake_ups, grace)
    rename_jobs("unreachable", "jobs")
    started = time.monotonic()
    reconcile_after_grace(sessions, wake_ups, grace)
    assert get_state() == JobState.RUNNING
    wait_until(lambda: reconcile_after_grace(sessions, wake_ups, grace) or get_state() == JobState.QUEUED)
    assert time.monotonic() - started >= 1.0


def test_the_files_of_a_deleted_job_are_removed_once_they_are_old(sessions, store, settings):
    remaining_job, deleted_job = submit_job(sessions), submit_job(sessions)
    paths = {}
    for job, content in ((remaining_job, b"remaining"), (deleted_job, b"deleted")):
        with store.receive_file() as incoming:
            incoming.write(content)
            stored = store.commit_file(incoming)
        with sessions.begin() as session:
            claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
            artifact = StoredArtifact("model", "application/octet-stream", stored)
            attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED, artifacts=[artifact]))
        paths[job.id] = store.path(stored.sha256)
    with sessions.begin() as session:
        controls.delete_job(session, deleted_job.id)
    retention.delete_expired_data(sessions, store, settings)
    assert paths[deleted_job.id].exists(), "a young file may belong to an open transaction"
    for path in paths.values():
        os.utime(path, (time.time() - 7200,) * 2)
    with sessions.begin() as session:
        session.query(DiscardedFile).update({"discarded_at": get_current_time(session) - timedelta(hours=2)})
    retention.delete_expired_data(sessions, store, settings)
    assert paths[remaining_job.id].exists()
    assert not paths[deleted_job.id].exists()


def test_sessions_that_ended_days_ago_are_deleted(sessions, store, settings):
    with sessions.begin() as session:
        _, first = users.add_user(session, "ann", UserRole.ADMIN, {})
        ages = {"valid": -1, "young": 0.5, "old": 2}
        ids = {name: tokens.start_session(session, first.token, 60).token.id for name in ages}
        for name, days in ages.items():
            ended_at = get_current_time(session) - timedelta(days=days)
            session.execute(update(Token).where(Token.id == ids[name]).values(expires_at=ended_at))
    sweep_leftovers(sessions, store, settings)
    with sessions.read() as session:
        assert set(session.scalars(select(Token.id))) == {first.token.id, ids["valid"], ids["young"]}


def test_old_idempotency_keys_are_deleted(sessions, store, settings):
    job = submit_job(sessions)
    with sessions.begin() as session:
        for key, age in (("old", 25), ("new", 23)):
            created = get_current_time(session) - timedelta(hours=age)
            session.add(IdempotencyKey(key=key, body_sha256="", job_id=job.id, created_at=created))
    sweep_leftovers(sessions, store, settings)
    with sessions.read() as session:
        assert session.get(IdempotencyKey, "old") is None
        assert session.get(IdempotencyKey, "new") is not None
