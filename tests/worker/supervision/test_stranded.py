"""A round of the reconciler on jobs that ask for any device, when the workers that they wait for are gone."""

import pytest

from models import JobState, Worker
from service.jobs import attempts, jobs
from service.queue import worker_registry
from service.queue.wake_ups import WakeUps
from tests.factories import beat, registration, submit
from worker.supervision.reconciler import reconcile


@pytest.fixture
def wake_ups(settings):
    """On a broker that holds none, whatever the tests before have left there."""
    wake_ups = WakeUps(settings)
    with wake_ups._app.connection_for_write() as connection:
        for queue in ("cpu", "gpu"):
            connection.default_channel.queue_declare(queue)
            connection.default_channel.queue_purge(queue)
    return wake_ups


def test_a_lost_gpu_worker_s_job_is_offered_to_the_cpus(sessions, wake_ups):
    worker = beat(sessions, registration("gpu"))
    beat(sessions, registration("cpu"))
    job = submit(sessions, run={"device": "auto"})
    assert job.queue == "gpu"
    with sessions.begin() as session:
        attempts.claim(session, queue="gpu", worker="here:8", lease_s=0.0, worker_id=worker.id)
    beat(sessions, worker, lasts_s=0.0)
    reconcile(sessions, wake_ups)
    with sessions.read() as session:
        found = jobs.get(session, job.id)
    assert (found.state, found.queue) == (JobState.QUEUED, "cpu")
    assert (wake_ups.pending("cpu"), wake_ups.pending("gpu")) == (1, 0)


def test_workers_that_were_lost_long_ago_are_forgotten(sessions, wake_ups):
    worker = beat(sessions, registration(), lasts_s=-25 * 3600.0)
    reconcile(sessions, wake_ups)
    with sessions.read() as session:
        assert session.get(Worker, worker.id) is None
        assert worker_registry.places(session) == {}
