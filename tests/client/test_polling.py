"""Waiting for something over requests that may fail."""

import pytest

from stackyard.client.errors import ConnectionFailedError
from stackyard.client.polling import poll_until


def answer_with(*answers):
    """Return a function that returns or raises one answer after the other."""
    remaining = iter(answers)

    def load():
        answer = next(remaining)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return load


LOST = ConnectionFailedError("http://here", "refused")


def poll(load, **options):
    return poll_until(load, lambda number: number == 3, poll=0.001, **({"patience": 60} | options))


def test_updates_are_the_changes_and_a_short_loss_of_the_server_is_none():
    updates = []
    assert poll(answer_with(1, 1, LOST, LOST, 2, 3), on_update=updates.append) == (3, True)
    assert updates == [1, 2, 3]


def test_a_server_that_never_answered_or_stays_away_is_an_error():
    with pytest.raises(ConnectionFailedError):
        poll(answer_with(LOST, 3))
    with pytest.raises(ConnectionFailedError):
        poll(answer_with(1, LOST, 3), patience=0)


def test_a_timeout_returns_the_last_answer():
    assert poll(answer_with(1, 2, 3), timeout=0) == (1, False)
