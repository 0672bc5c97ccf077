"""Questions that come at once are answered together, each with its own answer."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.jobs.batching import Together
from tests.waiting import until


class Desk:
    """Answers with what was asked, in tens; holds its first call until it is told to go on."""

    def __init__(self, most=100):
        self.calls = []
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.together = Together(self.answer, most=most)

    def answer(self, questions):
        self.calls.append(list(questions))
        if len(self.calls) == 1:
            self.begun.set()
            assert self.go_on.wait(30)
        if "fall" in questions:
            raise ConnectionError("the floor")
        return [ValueError(one) if one == "wrong" else one * 10 for one in questions]

    def ask(self, pool, *questions):
        """Ask one, and all the others while it is being answered."""
        asked = [pool.submit(self.together.ask, questions[0])]
        assert self.begun.wait(30)
        asked += [pool.submit(self.together.ask, question) for question in questions[1:]]
        until(lambda: len(self.together._waiting) == len(questions) - 1)
        self.go_on.set()
        return asked


@pytest.fixture
def pool():
    with ThreadPoolExecutor(20) as made:
        yield made


def test_what_comes_meanwhile_is_answered_in_one_go(pool):
    desk = Desk()
    assert [one.result(30) for one in desk.ask(pool, *range(10))] == [number * 10 for number in range(10)]
    assert [len(call) for call in desk.calls] == [1, 9]


def test_no_more_than_the_most_at_a_time(pool):
    desk = Desk(most=4)
    assert [one.result(30) for one in desk.ask(pool, *range(10))] == [number * 10 for number in range(10)]
    assert [len(call) for call in desk.calls] == [1, 4, 4, 1]


def test_an_exception_among_the_answers_is_for_one(pool):
    first, wrong, other = Desk().ask(pool, 1, "wrong", 2)
    assert (first.result(30), other.result(30)) == (10, 20)
    with pytest.raises(ValueError, match="wrong"):
        wrong.result(30)


def test_an_exception_out_of_the_answer_is_for_all_of_that_go_and_no_other(pool):
    desk = Desk()
    first, *others = desk.ask(pool, 1, "fall", 2)
    assert first.result(30) == 10
    for other in others:
        with pytest.raises(ConnectionError):
            other.result(30)
    assert desk.together.ask(3) == 30


def test_too_few_answers_are_a_fault(pool):
    with pytest.raises(ValueError, match="shorter"):
        pool.submit(Together(lambda _: [], most=1).ask, 1).result(30)
