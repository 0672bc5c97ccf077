"""The events of a job, and how a stream continues after an interruption, on both databases."""

import pytest

from models import JobState, Transition
from service.errors import NotFound
from service.jobs import controls
from service.results import job_events
from service.results.job_events import EventPosition
from tests import attempt_factories
from tests.factories import submit_job

BEGINNING = EventPosition()


def load_events(sessions, job_id, since=BEGINNING):
    with sessions.read() as session:
        return job_events.load_events(session, job_id, since)


def summarize(news):
    """Return each event in short: a state, or the first and the last of its epochs."""
    return [
        event.content.to_state
        if isinstance(event.content, Transition)
        else (event.content.epochs[0], event.content.epochs[-1])
        for event in news.events
    ]


def load_position(sessions, job_id):
    with sessions.read() as session:
        return job_events.load_latest_positions(session, [job_id]).get(job_id)


@pytest.fixture
def finished(either_sessions):
    """A job that lost an attempt after four epochs, and then trained to its end."""
    job = submit_job(either_sessions)
    lost = attempt_factories.claim_job(either_sessions)
    attempt_factories.record_epochs(either_sessions, lost, range(4))
    attempt_factories.lose_attempt(either_sessions, lost)
    claimed = attempt_factories.claim_job(either_sessions)
    attempt_factories.record_epochs(either_sessions, claimed, range(6))
    attempt_factories.conclude_attempt(either_sessions, claimed)
    return job.id


def test_epochs_come_after_the_start_of_the_attempt_that_recorded_them(either_sessions, finished):
    news = load_events(either_sessions, finished)
    assert summarize(news) == ["queued", "running", "queued", "running", (0, 5), "succeeded"]
    assert (news.position, news.ended) == (EventPosition(5, 6), True)
    assert load_position(either_sessions, finished) == news.position


def test_a_stream_continues_after_any_event(either_sessions, finished):
    events = load_events(either_sessions, finished).events
    for index, event in enumerate(events):
        assert summarize(load_events(either_sessions, finished, event.position)) == summarize_events(
            events[index + 1 :]
        )


def test_a_new_attempt_sends_its_epochs_from_the_first(either_sessions, finished):
    assert summarize(load_events(either_sessions, finished, EventPosition(3, 4))) == ["running", (0, 5), "succeeded"]


def summarize_events(events):
    return summarize(job_events.JobEventBatch(events, BEGINNING, ended=True))


def test_events_come_once_and_in_order(either_sessions):
    job = submit_job(either_sessions)
    summaries, position = [], BEGINNING

    def load_new():
        nonlocal position
        news = load_events(either_sessions, job.id, position)
        summaries.extend(summarize(news))
        position = news.position
        assert load_position(either_sessions, job.id) == position

    load_new()
    first = attempt_factories.claim_job(either_sessions)
    load_new()
    attempt_factories.record_epochs(either_sessions, first, range(4))
    load_new()
    load_new()
    attempt_factories.lose_attempt(either_sessions, first)
    load_new()
    second = attempt_factories.claim_job(either_sessions)
    attempt_factories.record_epochs(either_sessions, second, range(2))
    load_new()
    attempt_factories.record_epochs(either_sessions, second, range(2, 5))
    attempt_factories.conclude_attempt(either_sessions, second, JobState.DIVERGED)
    load_new()
    expected = ["queued", "running", (0, 3), "queued", "running", (0, 1), (2, 4), "diverged"]
    assert summaries == expected


def load_slices(sessions, job_id, position=BEGINNING):
    """Load the slices of a job's events after a position, up to the last."""
    slices = [load_events(sessions, job_id, position)]
    while slices[-1].has_more:
        assert not slices[-1].ended
        slices.append(load_events(sessions, job_id, slices[-1].position))
    return slices


def test_many_epochs_are_read_in_slices(sessions):
    job = submit_job(sessions)
    claimed = attempt_factories.claim_job(sessions)
    attempt_factories.record_epochs(sessions, claimed, range(2500))
    attempt_factories.conclude_attempt(sessions, claimed)
    slices = load_slices(sessions, job.id, EventPosition(2, 100))
    assert [summarize(news) for news in slices] == [[(100, 1099)], [(1100, 2099)], [(2100, 2499), "succeeded"]]
    assert slices[-1].ended


def test_many_transitions_are_read_in_slices_and_in_order(sessions):
    job = submit_job(sessions)
    for _ in range(60):
        with sessions.begin() as session:
            controls.pause_job(session, job.id)
        with sessions.begin() as session:
            controls.resume_job(session, job.id)
    claimed = attempt_factories.claim_job(sessions)
    attempt_factories.record_epochs(sessions, claimed, range(3))
    slices = load_slices(sessions, job.id)
    assert [len(news.events) for news in slices] == [100, 23]
    assert [event.position.transitions for news in slices for event in news.events] == [*range(1, 123), 122]
    assert summarize(slices[-1])[-2:] == ["running", (0, 2)]


def test_a_deleted_job_has_no_events(either_sessions):
    job = submit_job(either_sessions)
    with either_sessions.begin() as session:
        controls.delete_job(session, job.id)
    assert load_position(either_sessions, job.id) is None
    with pytest.raises(NotFound):
        load_events(either_sessions, job.id)
