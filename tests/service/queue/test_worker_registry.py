"""The list of workers: their states and the jobs that they run, on both databases."""

from datetime import timedelta

import pytest

from models import JobState, Worker
from service.db.database import get_current_time
from service.db.ids import new_id
from service.errors import NotFound
from service.jobs import attempts
from service.jobs.attempts import Conclusion
from service.queue import worker_registry
from service.queue.worker_registry import WorkerState
from tests.factories import build_registration, record_heartbeat, submit_job


def load_slots(sessions):
    with sessions.read() as session:
        return worker_registry.count_slots_by_queue(session)


def list_states(sessions):
    """Return the states of the workers on the list, by host."""
    with sessions.read() as session:
        page = worker_registry.list_workers(session, limit=100, cursor=None)
        workers = worker_registry.load_worker_details(session, page.items)
    return {details.worker.host: details.state for details in workers}


def test_a_queue_has_the_slots_of_all_its_workers(either_sessions):
    assert load_slots(either_sessions) == {}
    for host, device, concurrency in (("a", "cpu", 2), ("b", "cpu", 3), ("c", "gpu", 1)):
        record_heartbeat(either_sessions, build_registration(device, host=host, concurrency=concurrency))
    assert load_slots(either_sessions) == {"cpu": 5, "gpu": 1}


def test_a_worker_without_heartbeats_is_lost_until_its_next_heartbeat(either_sessions):
    silent = record_heartbeat(either_sessions, build_registration(host="silent"), lasts_s=0.0)
    record_heartbeat(either_sessions, build_registration(host="alive"))
    assert list_states(either_sessions) == {"silent": WorkerState.LOST, "alive": WorkerState.SERVING}
    assert load_slots(either_sessions) == {"cpu": 1}
    record_heartbeat(either_sessions, silent)
    assert list_states(either_sessions)["silent"] is WorkerState.SERVING
    assert load_slots(either_sessions) == {"cpu": 2}


def test_a_draining_worker_is_alive_and_has_no_slots(either_sessions):
    record_heartbeat(either_sessions, build_registration(), draining=True)
    assert list_states(either_sessions) == {"here": WorkerState.DRAINING}
    assert load_slots(either_sessions) == {}


def test_a_drain_request_removes_the_slots_at_once_and_reaches_the_worker(either_sessions):
    worker = build_registration()
    assert send_heartbeat(either_sessions, worker) is False
    for is_requested, state in ((True, WorkerState.DRAINING), (False, WorkerState.SERVING)):
        with either_sessions.begin() as session:
            worker_registry.set_drain_requested(session, worker.id, requested=is_requested)
        assert list_states(either_sessions) == {"here": state}
        assert load_slots(either_sessions) == ({} if is_requested else {"cpu": 1})
        assert send_heartbeat(either_sessions, worker) is is_requested
    with either_sessions.begin() as session, pytest.raises(NotFound):
        worker_registry.set_drain_requested(session, new_id())


def send_heartbeat(sessions, worker):
    """Send a heartbeat, and return whether the worker is requested to drain."""
    with sessions.begin() as session:
        return worker_registry.record_heartbeat(session, worker, alive_for_s=60.0, uptime_s=0.0)


def test_a_worker_that_shuts_down_leaves_the_list(either_sessions):
    leaving = record_heartbeat(either_sessions, build_registration(host="leaving"))
    record_heartbeat(either_sessions, build_registration(host="staying"))
    with either_sessions.begin() as session:
        worker_registry.remove_worker(session, leaving)
    assert list_states(either_sessions) == {"staying": WorkerState.SERVING}


def test_lost_workers_are_deleted_after_a_day_and_return_with_their_own_start(either_sessions):
    ages = {"old": timedelta(hours=25), "recent": timedelta(hours=23)}
    workers = {host: record_heartbeat(either_sessions, build_registration(host=host)) for host in ages}
    with either_sessions.begin() as session:
        for host, age in ages.items():
            session.get_one(Worker, workers[host].id).alive_until = get_current_time(session) - age
        worker_registry.delete_lost_workers(session)
    assert list_states(either_sessions) == {"recent": WorkerState.LOST}
    with either_sessions.begin() as session:
        worker_registry.record_heartbeat(session, workers["old"], alive_for_s=60, uptime_s=3600)
        row = session.get_one(Worker, workers["old"].id)
        assert (row.last_seen_at - row.started_at).total_seconds() == pytest.approx(3600, abs=1)


def test_a_worker_is_listed_with_the_jobs_that_its_children_run(either_sessions):
    busy, idle = (
        record_heartbeat(either_sessions, build_registration(host="busy")),
        record_heartbeat(either_sessions, build_registration(host="idle")),
    )
    job_ids = [submit_job(either_sessions).id for _ in range(4)]
    with either_sessions.begin() as session:
        concluded = attempts.claim_job(session, queue="cpu", worker="busy:8", lease_s=60, worker_id=busy.id)
        attempts.conclude_attempt(session, concluded, Conclusion(JobState.SUCCEEDED))
        for child in (8, 9):
            attempts.claim_job(session, queue="cpu", worker=f"busy:{child}", lease_s=60, worker_id=busy.id)
    with either_sessions.read() as session:
        page = worker_registry.list_workers(session, limit=10, cursor=None)
        workers = worker_registry.load_worker_details(session, page.items)
    assert {details.worker.id: list(details.jobs) for details in workers} == {busy.id: job_ids[1:3], idle.id: []}
