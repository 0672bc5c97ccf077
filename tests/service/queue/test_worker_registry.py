"""The list of workers: who is on it, who counts as alive, and what each runs, on both databases."""

from datetime import timedelta

import pytest

from models import JobState, Worker
from service.db.database import now
from service.db.ids import new_id
from service.errors import NotFound
from service.jobs import attempts
from service.jobs.attempts import Conclusion
from service.queue import worker_registry
from service.queue.worker_registry import WorkerState
from tests.factories import beat, registration, submit


def places(sessions):
    with sessions.read() as session:
        return worker_registry.places(session)


def listed(sessions):
    """The states of the workers on the list, by host."""
    with sessions.read() as session:
        found = worker_registry.gather(session, worker_registry.find(session, limit=100, cursor=None).items)
    return {details.worker.host: details.state for details in found}


def test_a_queue_has_the_places_of_all_who_serve_it(either_sessions):
    assert places(either_sessions) == {}
    for host, device, concurrency in (("a", "cpu", 2), ("b", "cpu", 3), ("c", "gpu", 1)):
        beat(either_sessions, registration(device, host=host, concurrency=concurrency))
    assert places(either_sessions) == {"cpu": 5, "gpu": 1}


def test_who_is_silent_for_too_long_is_lost_and_the_next_word_brings_it_back(either_sessions):
    silent = beat(either_sessions, registration(host="silent"), lasts_s=0.0)
    beat(either_sessions, registration(host="alive"))
    assert listed(either_sessions) == {"silent": WorkerState.LOST, "alive": WorkerState.SERVING}
    assert places(either_sessions) == {"cpu": 1}
    beat(either_sessions, silent)
    assert listed(either_sessions)["silent"] is WorkerState.SERVING
    assert places(either_sessions) == {"cpu": 2}


def test_who_drains_is_alive_and_serves_nobody(either_sessions):
    beat(either_sessions, registration(), draining=True)
    assert listed(either_sessions) == {"here": WorkerState.DRAINING}
    assert places(either_sessions) == {}


def test_who_was_asked_to_drain_serves_nobody_from_then_on_and_hears_of_it(either_sessions):
    worker = registration()
    assert tell(either_sessions, worker) is False
    for wanted, state in ((True, WorkerState.DRAINING), (False, WorkerState.SERVING)):
        with either_sessions.begin() as session:
            worker_registry.drain(session, worker.id, wanted=wanted)
        assert listed(either_sessions) == {"here": state}
        assert places(either_sessions) == ({} if wanted else {"cpu": 1})
        assert tell(either_sessions, worker) is wanted
    with either_sessions.begin() as session, pytest.raises(NotFound):
        worker_registry.drain(session, new_id())


def tell(sessions, worker):
    """Say that a worker lives, and hear whether it shall drain."""
    with sessions.begin() as session:
        return worker_registry.beat(session, worker, lasts_s=60.0, running_for_s=0.0)


def test_who_ends_in_order_is_on_the_list_no_more(either_sessions):
    leaving = beat(either_sessions, registration(host="leaving"))
    beat(either_sessions, registration(host="staying"))
    with either_sessions.begin() as session:
        worker_registry.leave(session, leaving)
    assert listed(either_sessions) == {"staying": WorkerState.SERVING}


def test_the_lost_are_forgotten_after_a_day_and_return_with_their_own_start(either_sessions):
    ages = {"old": timedelta(hours=25), "recent": timedelta(hours=23)}
    known = {host: beat(either_sessions, registration(host=host)) for host in ages}
    with either_sessions.begin() as session:
        for host, age in ages.items():
            session.get_one(Worker, known[host].id).alive_until = now(session) - age
        worker_registry.forget_lost(session)
    assert listed(either_sessions) == {"recent": WorkerState.LOST}
    with either_sessions.begin() as session:
        worker_registry.beat(session, known["old"], lasts_s=60, running_for_s=3600)
        row = session.get_one(Worker, known["old"].id)
        assert (row.last_seen_at - row.started_at).total_seconds() == pytest.approx(3600, abs=1)


def test_each_is_shown_with_the_jobs_that_its_children_run(either_sessions):
    busy, idle = beat(either_sessions, registration(host="busy")), beat(either_sessions, registration(host="idle"))
    made = [submit(either_sessions).id for _ in range(4)]
    with either_sessions.begin() as session:
        ended = attempts.claim(session, queue="cpu", worker="busy:8", lease_s=60, worker_id=busy.id)
        attempts.conclude(session, ended, Conclusion(JobState.SUCCEEDED))
        for child in (8, 9):
            attempts.claim(session, queue="cpu", worker=f"busy:{child}", lease_s=60, worker_id=busy.id)
    with either_sessions.read() as session:
        page = worker_registry.find(session, limit=10, cursor=None)
        found = worker_registry.gather(session, page.items)
    assert {details.worker.id: list(details.jobs) for details in found} == {busy.id: made[1:3], idle.id: []}
