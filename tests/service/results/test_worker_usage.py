"""How busy workers were, from transitions whose times the tests set."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from models import Job, Transition, Worker
from service.jobs import attempts
from service.results import worker_usage
from tests import attempt_factories
from tests.factories import build_registration, record_heartbeat, submit_job


@pytest.fixture
def worker(either_sessions):
    """A worker with two slots, which started two hours ago."""
    registration = record_heartbeat(either_sessions, build_registration(concurrency=2))
    shift_worker(either_sessions, registration.id, -120)
    return registration


def shift_worker(sessions, worker_id, minutes):
    with sessions.begin() as session:
        row = session.get_one(Worker, worker_id)
        row.started_at += timedelta(minutes=minutes)


def run_job(sessions, worker_id, start, end=None):
    """Insert a job that a worker ran from and to minutes before now; without an end it still runs."""
    job = submit_job(sessions)
    with sessions.begin() as session:
        claimed = attempts.claim_job(session, queue="cpu", worker="here:8", lease_s=60, worker_id=worker_id)
    if end is not None:
        attempt_factories.conclude_attempt(sessions, claimed)
    with sessions.begin() as session:
        now = session.get_one(Job, job.id).created_at
        for number, minutes in ((2, start), (3, end)):
            if minutes is not None:
                at = now - timedelta(minutes=minutes)
                session.execute(
                    update(Transition).where(Transition.number == number, Transition.job_id == job.id).values(at=at)
                )
        session.execute(update(Job).where(Job.id == job.id).values(started_at=now - timedelta(minutes=start)))
    return job


def load_usage(sessions):
    """Return the share of each of the last sixty minutes, rounded, the latest last."""
    with sessions.read() as session:
        usage = worker_usage.load_usage(session, 60)
    assert usage.interval_s == 60
    return [[None if share is None else round(share, 1) for share in item.busy] for item in usage.workers]


def test_attempts_count_for_their_worker_and_their_time(either_sessions, worker):
    run_job(either_sessions, worker.id, 90, 50)
    run_job(either_sessions, worker.id, 20, 10)
    run_job(either_sessions, worker.id, 15)
    run_job(either_sessions, None, 40, 30)
    assert load_usage(either_sessions) == [[0.5] * 10 + [0.0] * 30 + [0.5] * 5 + [1.0] * 5 + [0.5] * 10]


def test_an_attempt_counts_for_its_own_worker_after_another_one_took_the_job(either_sessions, worker):
    job = run_job(either_sessions, worker.id, 30, 20)
    other = record_heartbeat(either_sessions, build_registration(host="there", concurrency=1))
    with either_sessions.begin() as session:
        session.execute(update(Job).where(Job.id == job.id).values(worker_id=other.id))
    latest, first = load_usage(either_sessions)
    assert first == [0.0] * 30 + [0.5] * 10 + [0.0] * 20
    assert latest[:-1] == [None] * 59, "it has only just started"


def test_the_route_has_one_share_per_interval(client, sessions):
    registration = record_heartbeat(sessions, build_registration())
    usage = client.get("/v1/workers/usage", params={"minutes": 120}).json()
    assert usage["interval_s"] == 120
    assert usage["from"] < usage["to"]
    [listed] = usage["workers"]
    assert (listed["id"], listed["host"], listed["device"]) == (str(registration.id), "here", "cpu")
    assert len(listed["busy"]) == 60
    for minutes in (0, 1441, "x"):
        assert client.get("/v1/workers/usage", params={"minutes": minutes}).status_code == 422
