"""The bounded lock: one thread holds it, some wait, and all others are rejected."""

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from service.errors import Unavailable
from service.subprocess.admission import BoundedLock


def build_lock(waiting=1, patience=10.0):
    return BoundedLock(max_waiting=waiting, timeout_s=patience, code="busy", message="Too many wait.")


def test_waiting_thread_acquires_the_lock_after_its_release():
    lock, is_done, second_waits = build_lock(), threading.Event(), threading.Event()
    order = []

    def acquire_second():
        second_waits.set()
        with lock.acquire():
            order.append("second")
            assert is_done.is_set()

    with ThreadPoolExecutor(1) as pool:
        with lock.acquire():
            second = pool.submit(acquire_second)
            assert second_waits.wait(10)
            order.append("first")
            is_done.set()
        second.result(10)
    assert order == ["first", "second"]


def test_threads_beyond_the_limit_are_rejected_at_once():
    lock = build_lock(waiting=1)

    def acquire():
        with lock.acquire():
            pass

    with ThreadPoolExecutor(2) as pool, lock.acquire():
        threads = [pool.submit(acquire) for _ in range(2)]
        [rejected] = wait(threads, timeout=5, return_when=FIRST_COMPLETED).done
        error = rejected.exception()
    assert isinstance(error, Unavailable)
    assert (error.code, str(error)) == ("busy", "Too many wait.")


def test_wait_times_out_and_a_failed_block_releases_the_lock():
    lock = build_lock(patience=0.01)
    with lock.mutex, pytest.raises(Unavailable), lock.acquire():
        pass
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), lock.acquire():
            _ = 1 / 0
    with lock.acquire():
        pass
