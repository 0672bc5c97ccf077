"""The table of transitions, and the one function that moves a job."""

import pytest

from models import TERMINAL_STATES, JobState
from service.jobs import job_read_model, jobs, lifecycle
from tests.factories import submit


def test_every_state_has_its_followers_and_the_ends_have_none():
    assert set(lifecycle.LEGAL) == set(JobState)
    assert {
        JobState.SUCCEEDED,
        JobState.DIVERGED,
        JobState.FAILED,
        JobState.CANCELLED,
    } == TERMINAL_STATES


@pytest.mark.parametrize("origin", sorted(TERMINAL_STATES))
def test_nothing_leaves_an_end(sessions, origin):
    job = submit(sessions)
    with pytest.raises(ValueError, match="legal transition"), sessions.begin() as session:
        lifecycle.move(session, job.id, to=JobState.QUEUED, from_=[origin])


def test_a_job_elsewhere_is_left_alone(sessions):
    job = submit(sessions)
    with sessions.begin() as session:
        assert not lifecycle.move(session, job.id, to=JobState.SUCCEEDED, from_=[JobState.RUNNING])
    with sessions.read() as session:
        assert jobs.get(session, job.id).state is JobState.QUEUED


def test_every_step_is_recorded_in_order(either_sessions):
    job = submit(either_sessions)
    why = lifecycle.reason("cancelled", "Because.")
    with either_sessions.begin() as session:
        lifecycle.move(session, job.id, to=JobState.RUNNING, from_=[JobState.QUEUED])
        lifecycle.move(session, job.id, to=JobState.CANCELLED, from_=[JobState.RUNNING], why=why)
    with either_sessions.read() as session:
        [told] = job_read_model.gather(session, [jobs.get(session, job.id)])
    assert [(step.number, step.from_state, step.to_state) for step in told.transitions] == [
        (1, None, "queued"),
        (2, "queued", "running"),
        (3, "running", "cancelled"),
    ]
    assert told.transitions[-1].reason == why
    assert told.job.finished_at is not None
    assert [step.at for step in told.transitions] == sorted(step.at for step in told.transitions)
