"""The legal transitions of a job, and the function that makes them."""

import pytest

from models import TERMINAL_STATES, JobState
from service.jobs import job_read_model, lifecycle, queries
from tests.factories import submit_job


def test_every_state_has_its_legal_transitions_and_four_states_are_terminal():
    assert set(lifecycle.LEGAL_TRANSITIONS) == set(JobState)
    assert {
        JobState.SUCCEEDED,
        JobState.DIVERGED,
        JobState.FAILED,
        JobState.CANCELLED,
    } == TERMINAL_STATES


@pytest.mark.parametrize("origin", sorted(TERMINAL_STATES))
def test_no_transition_leaves_a_terminal_state(sessions, origin):
    job = submit_job(sessions)
    with pytest.raises(ValueError, match="legal transition"), sessions.begin() as session:
        lifecycle.transition_job(session, job.id, to_state=JobState.QUEUED, from_states=[origin])


def test_a_job_in_an_unexpected_state_is_not_changed(sessions):
    job = submit_job(sessions)
    with sessions.begin() as session:
        assert not lifecycle.transition_job(
            session, job.id, to_state=JobState.SUCCEEDED, from_states=[JobState.RUNNING]
        )
    with sessions.read() as session:
        assert queries.get_job(session, job.id).state is JobState.QUEUED


def test_every_transition_is_recorded_in_order(either_sessions):
    job = submit_job(either_sessions)
    reason = lifecycle.build_reason("cancelled", "Because.")
    with either_sessions.begin() as session:
        lifecycle.transition_job(session, job.id, to_state=JobState.RUNNING, from_states=[JobState.QUEUED])
        lifecycle.transition_job(
            session, job.id, to_state=JobState.CANCELLED, from_states=[JobState.RUNNING], reason=reason
        )
    with either_sessions.read() as session:
        [details] = job_read_model.load_job_details(session, [queries.get_job(session, job.id)])
    assert [(transition.number, transition.from_state, transition.to_state) for transition in details.transitions] == [
        (1, None, "queued"),
        (2, "queued", "running"),
        (3, "running", "cancelled"),
    ]
    assert details.transitions[-1].reason == reason
    assert details.job.finished_at is not None
    assert [transition.at for transition in details.transitions] == sorted(
        transition.at for transition in details.transitions
    )
