"""Turns: one at a time, some wait, the rest are refused."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.errors import Unavailable
from service.subprocess.admission import Turns
from tests.waiting import until


def turns(waiting=1, patience=10.0):
    return Turns(waiting=waiting, patience=patience, code="busy", message="Too many wait.")


def test_who_waits_has_a_turn_once_the_one_before_is_done():
    ours, done, waits = turns(), threading.Event(), threading.Event()
    order = []

    def second():
        waits.set()
        with ours.taken():
            order.append("second")
            assert done.is_set()

    with ThreadPoolExecutor(1) as pool:
        with ours.taken():
            later = pool.submit(second)
            assert waits.wait(10)
            order.append("first")
            done.set()
        later.result(10)
    assert order == ["first", "second"]


def test_more_than_may_wait_are_refused_at_once():
    ours = turns(waiting=1)

    def second():
        with ours.taken():
            pass

    with ThreadPoolExecutor(1) as pool, ours.taken():
        pool.submit(second)
        until(lambda: not ours._places._value)
        with pytest.raises(Unavailable) as busy, ours.taken():
            pass
    assert (busy.value.code, str(busy.value)) == ("busy", "Too many wait.")


def test_patience_ends_and_a_failed_turn_gives_its_place_back():
    ours = turns(patience=0.01)
    with ours.lock, pytest.raises(Unavailable), ours.taken():
        pass
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), ours.taken():
            _ = 1 / 0
    with ours.taken():
        pass
