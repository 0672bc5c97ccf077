"""Wake-ups are sent by another thread: one for each job that can start, else one for many requests."""

import threading

import pytest

from service.queue.queue_notifier import QueueNotifier
from tests.polling import wait_until


class SlowBroker:
    """A broker that takes no message until it is free."""

    def __init__(self):
        self.sent, self.begun, self.free = [], threading.Event(), threading.Event()

    def send(self, queue):
        self.begun.set()
        assert self.free.wait(30)
        self.sent.append(queue)


@pytest.fixture
def broker():
    return SlowBroker()


@pytest.fixture
def notifier(broker):
    notifier = QueueNotifier(broker.send)
    yield notifier
    broker.free.set()
    notifier.close()


def test_callers_do_not_wait_and_pending_requests_are_merged(broker, notifier):
    for _ in range(100):
        notifier.notify_queue("cpu", 0)
    assert broker.sent == []
    broker.free.set()
    notifier.close()
    assert 1 <= len(broker.sent) <= 2


def test_each_job_that_can_start_has_its_own_wake_up(broker, notifier):
    notifier.notify_queue("gpu", 0)
    assert broker.begun.wait(30)
    for starting in (1, 2, 0):
        notifier.notify_queue("cpu", starting)
    notifier.notify_queue("gpu", 0)
    broker.free.set()
    wait_until(lambda: sorted(broker.sent) == ["cpu", "cpu", "cpu", "gpu", "gpu"])


def test_close_sends_the_requested_wake_ups(broker, notifier):
    broker.free.set()
    notifier.notify_queue("cpu", 1)
    notifier.close()
    assert broker.sent == ["cpu"]


def test_close_ends_a_notifier_without_requests(notifier):
    notifier.close()
