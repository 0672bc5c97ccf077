"""The queue in which a job waits, as workers come and go, on both databases."""

import pytest

from service.jobs import attempts, queries
from service.queue import placement
from tests.factories import build_registration, record_heartbeat, submit_job


def load_queue(sessions, job):
    with sessions.read() as session:
        return queries.get_job(session, job.id).queue


def move_stranded(sessions):
    with sessions.begin() as session:
        return placement.move_stranded_jobs(session)


def submit_for(sessions, device):
    return submit_job(sessions, run={"device": device})


@pytest.mark.parametrize(
    ("alive", "chosen"), [((), "cpu"), (("cpu",), "cpu"), (("gpu",), "gpu"), (("cpu", "gpu"), "gpu")]
)
def test_auto_means_the_gpu_queue_while_a_worker_serves_it(either_sessions, alive, chosen):
    for device in alive:
        record_heartbeat(either_sessions, build_registration(device))
    assert submit_for(either_sessions, "auto").queue == chosen
    assert submit_for(either_sessions, "cpu").queue == "cpu"
    assert submit_for(either_sessions, "gpu").queue == "gpu"


@pytest.mark.parametrize("state", ["lost", "draining"])
def test_auto_ignores_a_gpu_worker_that_is_lost_or_draining(either_sessions, state):
    record_heartbeat(
        either_sessions,
        build_registration("gpu"),
        lasts_s=0.0 if state == "lost" else 60.0,
        draining=state == "draining",
    )
    assert submit_for(either_sessions, "auto").queue == "cpu"


def test_waiting_auto_jobs_leave_the_queue_of_a_lost_gpu_worker(either_sessions):
    worker = record_heartbeat(either_sessions, build_registration("gpu"))
    claimed, waiting, on_gpu = (submit_for(either_sessions, device) for device in ("auto", "auto", "gpu"))
    with either_sessions.begin() as session:
        assert attempts.claim_job(session, queue="gpu", worker="here:8", lease_s=60).job_id == claimed.id
    assert move_stranded(either_sessions) == 0
    record_heartbeat(either_sessions, worker, lasts_s=0.0)
    assert move_stranded(either_sessions) == 1
    assert [load_queue(either_sessions, job) for job in (claimed, waiting, on_gpu)] == ["gpu", "cpu", "gpu"]
    assert move_stranded(either_sessions) == 0


def test_waiting_auto_jobs_move_to_the_gpu_queue_if_only_it_is_served(either_sessions):
    on_any, on_cpu = submit_for(either_sessions, "auto"), submit_for(either_sessions, "cpu")
    record_heartbeat(either_sessions, build_registration("gpu"))
    assert move_stranded(either_sessions) == 1
    assert [load_queue(either_sessions, job) for job in (on_any, on_cpu)] == ["gpu", "cpu"]


def test_jobs_stay_in_a_cpu_queue_that_is_served(either_sessions):
    job = submit_for(either_sessions, "auto")
    for device in ("cpu", "gpu"):
        record_heartbeat(either_sessions, build_registration(device))
    assert move_stranded(either_sessions) == 0
    assert load_queue(either_sessions, job) == "cpu"
