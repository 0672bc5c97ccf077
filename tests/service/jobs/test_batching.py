"""Concurrent requests are executed as one batch, and each thread receives its own result."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.jobs.batching import BatchExecutor
from tests.polling import wait_until


class GatedService:
    """Returns ten times each request, and holds its first batch until the test opens the gate."""

    def __init__(self, max_batch_size=100):
        self.batches = []
        self.first_batch_begun, self.gate = threading.Event(), threading.Event()
        self.executor = BatchExecutor(self.execute, max_batch_size=max_batch_size)

    def execute(self, requests):
        self.batches.append(list(requests))
        if len(self.batches) == 1:
            self.first_batch_begun.set()
            assert self.gate.wait(30)
        if "fail all" in requests:
            raise ConnectionError
        return [ValueError(request) if request == "fail one" else request * 10 for request in requests]

    def submit_all(self, pool, *requests):
        """Submit the first request, and all others while the first one is being executed."""
        futures = [pool.submit(self.executor.submit, requests[0])]
        assert self.first_batch_begun.wait(30)
        futures += [pool.submit(self.executor.submit, request) for request in requests[1:]]
        wait_until(lambda: len(self.executor._pending) == len(requests) - 1)
        self.gate.set()
        return futures


@pytest.fixture
def pool():
    with ThreadPoolExecutor(20) as pool:
        yield pool


def test_requests_that_arrive_during_a_batch_form_the_next_batch(pool):
    service = GatedService()
    results = [future.result(30) for future in service.submit_all(pool, *range(10))]
    assert results == [number * 10 for number in range(10)]
    assert [len(batch) for batch in service.batches] == [1, 9]


def test_a_batch_is_no_larger_than_its_maximum(pool):
    service = GatedService(max_batch_size=4)
    results = [future.result(30) for future in service.submit_all(pool, *range(10))]
    assert results == [number * 10 for number in range(10)]
    assert [len(batch) for batch in service.batches] == [1, 4, 4, 1]


def test_a_returned_exception_is_raised_for_its_own_request_only(pool):
    first, failing, other = GatedService().submit_all(pool, 1, "fail one", 2)
    assert (first.result(30), other.result(30)) == (10, 20)
    with pytest.raises(ValueError, match="fail one"):
        failing.result(30)


def test_a_raised_exception_fails_its_whole_batch_and_no_other(pool):
    service = GatedService()
    first, *others = service.submit_all(pool, 1, "fail all", 2)
    assert first.result(30) == 10
    for other in others:
        with pytest.raises(ConnectionError):
            other.result(30)
    assert service.executor.submit(3) == 30


def test_a_missing_result_is_an_error(pool):
    with pytest.raises(ValueError, match="shorter"):
        pool.submit(BatchExecutor(lambda _: [], max_batch_size=1).submit, 1).result(30)
