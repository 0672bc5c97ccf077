"""What a stream tells, and where one goes on that was cut off, on both databases."""

import pytest

from models import JobState, Transition
from service.errors import NotFound
from service.jobs import jobs
from service.results import job_events
from service.results.job_events import Position
from tests import runs
from tests.factories import submit

BEGINNING = Position()


def told(sessions, job_id, since=BEGINNING):
    with sessions.read() as session:
        return job_events.read(session, job_id, since)


def said(news):
    """Each event in a word: a state, or the first and the last of its epochs."""
    return [
        event.content.to_state
        if isinstance(event.content, Transition)
        else (event.content.epochs[0], event.content.epochs[-1])
        for event in news.events
    ]


def mark(sessions, job_id):
    with sessions.read() as session:
        return job_events.marks(session, [job_id]).get(job_id)


@pytest.fixture
def finished(either_sessions):
    """A job that was lost once, at its fourth epoch, and then trained to its end."""
    job = submit(either_sessions)
    lost = runs.claim(either_sessions)
    runs.record(either_sessions, lost, range(4))
    runs.lose(either_sessions, lost)
    claimed = runs.claim(either_sessions)
    runs.record(either_sessions, claimed, range(6))
    runs.conclude(either_sessions, claimed)
    return job.id


def test_epochs_stand_after_the_attempt_that_recorded_them(either_sessions, finished):
    news = told(either_sessions, finished)
    assert said(news) == ["queued", "running", "queued", "running", (0, 5), "succeeded"]
    assert (news.position, news.ended) == (Position(5, 6), True)
    assert mark(either_sessions, finished) == news.position


def test_wherever_a_stream_was_cut_off_the_rest_follows(either_sessions, finished):
    whole = told(either_sessions, finished).events
    for place, event in enumerate(whole):
        assert said(told(either_sessions, finished, event.position)) == said_of(whole[place + 1 :])


def test_another_attempt_tells_its_epochs_from_the_first(either_sessions, finished):
    assert said(told(either_sessions, finished, Position(3, 4))) == ["running", (0, 5), "succeeded"]


def said_of(rest):
    return said(job_events.News(rest, BEGINNING, ended=True))


def test_news_come_in_the_order_in_which_they_happened_and_once(either_sessions):
    job = submit(either_sessions)
    heard, here = [], BEGINNING

    def listen():
        nonlocal here
        news = told(either_sessions, job.id, here)
        heard.extend(said(news))
        here = news.position
        assert mark(either_sessions, job.id) == here

    listen()
    first = runs.claim(either_sessions)
    listen()
    runs.record(either_sessions, first, range(4))
    listen()
    listen()
    runs.lose(either_sessions, first)
    listen()
    second = runs.claim(either_sessions)
    runs.record(either_sessions, second, range(2))
    listen()
    runs.record(either_sessions, second, range(2, 5))
    runs.conclude(either_sessions, second, JobState.DIVERGED)
    listen()
    expected = ["queued", "running", (0, 3), "queued", "running", (0, 1), (2, 4), "diverged"]
    assert heard == expected


def test_many_epochs_come_in_pieces(sessions):
    job = submit(sessions)
    claimed = runs.claim(sessions)
    runs.record(sessions, claimed, range(2500))
    assert said(told(sessions, job.id, Position(2, 100))) == [(100, 1099), (1100, 2099), (2100, 2499)]


def test_of_a_deleted_job_there_is_no_news(either_sessions):
    job = submit(either_sessions)
    with either_sessions.begin() as session:
        jobs.remove(session, job.id)
    assert mark(either_sessions, job.id) is None
    with pytest.raises(NotFound):
        told(either_sessions, job.id)
