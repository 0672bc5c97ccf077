"""A round of the reconciler on jobs for any device whose workers are gone."""

from models import JobState, Worker
from service.jobs import attempts, queries
from service.queue import worker_registry
from tests.factories import build_registration, record_heartbeat, submit_job
from worker.supervision.reconciler import reconcile_jobs


def test_a_job_of_a_lost_gpu_worker_moves_to_the_cpu_queue(sessions, wake_ups):
    worker = record_heartbeat(sessions, build_registration("gpu"))
    record_heartbeat(sessions, build_registration("cpu"))
    job = submit_job(sessions, run={"device": "auto"})
    assert job.queue == "gpu"
    with sessions.begin() as session:
        attempts.claim_job(session, queue="gpu", worker="here:8", lease_s=0.0, worker_id=worker.id)
    record_heartbeat(sessions, worker, lasts_s=0.0)
    reconcile_jobs(sessions, wake_ups)
    with sessions.read() as session:
        recovered_job = queries.get_job(session, job.id)
    assert (recovered_job.state, recovered_job.queue) == (JobState.QUEUED, "cpu")
    assert (wake_ups.count_pending("cpu"), wake_ups.count_pending("gpu")) == (1, 0)


def test_workers_that_were_lost_long_ago_are_removed_from_the_registry(sessions, wake_ups):
    worker = record_heartbeat(sessions, build_registration(), lasts_s=-25 * 3600.0)
    reconcile_jobs(sessions, wake_ups)
    with sessions.read() as session:
        assert session.get(Worker, worker.id) is None
        assert worker_registry.count_slots_by_queue(session) == {}
