"""Which queue a job waits in, as workers come and go, on both databases."""

import pytest

from service.jobs import attempts, jobs
from service.queue import placement
from tests.factories import beat, registration, submit


def queue(sessions, job):
    with sessions.read() as session:
        return jobs.get(session, job.id).queue


def move(sessions):
    with sessions.begin() as session:
        return placement.move_stranded(session)


def asking(sessions, device):
    return submit(sessions, run={"device": device})


@pytest.mark.parametrize(
    ("alive", "chosen"), [((), "cpu"), (("cpu",), "cpu"), (("gpu",), "gpu"), (("cpu", "gpu"), "gpu")]
)
def test_auto_is_a_gpu_while_one_is_served(either_sessions, alive, chosen):
    for device in alive:
        beat(either_sessions, registration(device))
    assert asking(either_sessions, "auto").queue == chosen
    assert asking(either_sessions, "cpu").queue == "cpu"
    assert asking(either_sessions, "gpu").queue == "gpu"


@pytest.mark.parametrize("how", ["lost", "draining"])
def test_a_gpu_worker_that_takes_no_more_is_none(either_sessions, how):
    beat(either_sessions, registration("gpu"), lasts_s=0.0 if how == "lost" else 60.0, draining=how == "draining")
    assert asking(either_sessions, "auto").queue == "cpu"


def test_what_may_run_anywhere_leaves_the_queue_of_a_lost_gpu_worker(either_sessions):
    worker = beat(either_sessions, registration("gpu"))
    taken, waiting, wants_gpu = (asking(either_sessions, device) for device in ("auto", "auto", "gpu"))
    with either_sessions.begin() as session:
        assert attempts.claim(session, queue="gpu", worker="here:8", lease_s=60).job_id == taken.id
    assert move(either_sessions) == 0
    beat(either_sessions, worker, lasts_s=0.0)
    assert move(either_sessions) == 1
    assert [queue(either_sessions, job) for job in (taken, waiting, wants_gpu)] == ["gpu", "cpu", "gpu"]
    assert move(either_sessions) == 0


def test_what_may_run_anywhere_goes_to_the_gpus_where_they_alone_are_served(either_sessions):
    anywhere, wants_cpu = asking(either_sessions, "auto"), asking(either_sessions, "cpu")
    beat(either_sessions, registration("gpu"))
    assert move(either_sessions) == 1
    assert [queue(either_sessions, job) for job in (anywhere, wants_cpu)] == ["gpu", "cpu"]


def test_nothing_moves_to_a_gpu_from_cpus_that_are_served(either_sessions):
    job = asking(either_sessions, "auto")
    for device in ("cpu", "gpu"):
        beat(either_sessions, registration(device))
    assert move(either_sessions) == 0
    assert queue(either_sessions, job) == "cpu"
