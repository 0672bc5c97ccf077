"""Wake-ups are sent by another thread: one for each job that a worker has a place for, else one for many."""

import threading

import pytest

from service.queue.queue_notifier import Waker
from tests.waiting import until


class Broker:
    def __init__(self):
        self.sent, self.begun, self.free = [], threading.Event(), threading.Event()

    def send(self, queue):
        self.begun.set()
        assert self.free.wait(30)
        self.sent.append(queue)


@pytest.fixture
def broker():
    return Broker()


@pytest.fixture
def waker(broker):
    made = Waker(broker.send)
    yield made
    broker.free.set()
    made.close()


def test_whoever_wakes_does_not_wait_and_what_piles_up_is_one(broker, waker):
    for _ in range(100):
        waker.wake("cpu", 0)
    assert broker.sent == []
    broker.free.set()
    waker.close()
    assert 1 <= len(broker.sent) <= 2


def test_each_job_that_can_start_has_its_own(broker, waker):
    waker.wake("gpu", 0)
    assert broker.begun.wait(30)
    for starting in (1, 2, 0):
        waker.wake("cpu", starting)
    waker.wake("gpu", 0)
    broker.free.set()
    until(lambda: sorted(broker.sent) == ["cpu", "cpu", "cpu", "gpu", "gpu"])


def test_what_is_wanted_at_the_end_is_sent(broker, waker):
    broker.free.set()
    waker.wake("cpu", 1)
    waker.close()
    assert broker.sent == ["cpu"]


def test_one_that_was_never_told_of_anything_ends(waker):
    waker.close()
