"""Attempts that were lost and attempts that crashed, on both databases."""

import pytest

from models import Job, JobState
from service.db.ids import new_id
from service.errors import LeaseLost
from service.jobs import attempts, jobs, recovery
from service.jobs.attempts import EpochRow, MadeCheckpoint, MetricSummary
from service.jobs.crashes import Crash
from service.storage.artifact_store import Stored
from tests.factories import submit

WORKER = new_id()
SEGFAULT = Crash("its process was killed by SIGSEGV", signal="SIGSEGV")


def claim(sessions, process="here:1"):
    with sessions.begin() as session:
        return attempts.claim(session, queue="cpu", worker=process, lease_s=60.0, worker_id=WORKER)


def end(sessions, crash=SEGFAULT, process="here:1", worker_id=WORKER):
    with sessions.begin() as session:
        return recovery.end_attempt_of(session, worker_id=worker_id, worker=process, crash=crash, max_crashes=3)


def found(sessions, job):
    with sessions.read() as session:
        return jobs.get(session, job.id)


def test_a_crash_ends_the_attempt_at_once_and_the_third_the_job(either_sessions):
    job = submit(either_sessions)
    for number in (1, 2, 3):
        mine = claim(either_sessions)
        with either_sessions.begin() as session:
            rows = [EpochRow(0, [1.0]), EpochRow(1, [1.0])]
            attempts.record_epochs(session, mine, ["loss"], rows, {"loss": MetricSummary(1.0, 1.0, 0)})
        assert end(either_sessions) == "cpu"
        state = JobState.QUEUED if number < 3 else JobState.FAILED
        assert (found(either_sessions, job).state, found(either_sessions, job).crashes) == (state, number)
    reason = found(either_sessions, job).reason
    assert reason["message"] == "3 attempts crashed. In the last one, its process was killed by SIGSEGV."
    assert {key: reason[key] for key in ("code", "signal", "exit_status", "last_epoch", "estimate")} == {
        "code": "crashed",
        "signal": "SIGSEGV",
        "exit_status": None,
        "last_epoch": 1,
        "estimate": None,
    }


def test_a_kill_for_memory_is_told_with_what_was_used_and_what_was_foreseen(either_sessions):
    job = submit(either_sessions)
    mine = claim(either_sessions)
    with either_sessions.begin() as session:
        attempts.renew(session, mine, 60.0, peak_memory=3_000_000)
    end(either_sessions, Crash("its process was killed by SIGKILL for want of memory", "SIGKILL", for_memory=True))
    reason = found(either_sessions, job).reason
    assert (reason["code"], reason["peak_memory"]) == ("attempt_crashed", 3_000_000)
    assert 0 < reason["estimate"] < 100_000
    assert reason["estimate"] == job.memory_estimate
    assert "3,000,000 bytes" in reason["message"]
    assert f"{reason['estimate']:,}" in reason["message"]


def test_a_kill_for_memory_is_told_with_the_estimate_even_if_the_spec_cannot_be_read(sessions):
    job = submit(sessions)
    claim(sessions)
    with sessions.begin() as session:
        session.get_one(Job, job.id).spec = {"of": "another release"}
    end(sessions, Crash("it was killed", "SIGKILL", for_memory=True))
    assert found(sessions, job).reason["estimate"] == job.memory_estimate


def test_a_kill_for_memory_of_a_job_of_an_earlier_release_has_no_estimate(sessions):
    job = submit(sessions)
    claim(sessions)
    with sessions.begin() as session:
        session.get_one(Job, job.id).memory_estimate = None
    end(sessions, Crash("it was killed", "SIGKILL", for_memory=True))
    reason = found(sessions, job).reason
    assert reason["estimate"] is None
    assert "estimates" not in reason["message"]


@pytest.mark.parametrize(("wish", "state"), [(jobs.cancel, JobState.CANCELLED), (jobs.pause, JobState.PAUSED)])
def test_a_crash_does_not_make_a_wish_forgotten(sessions, wish, state):
    job = submit(sessions)
    claim(sessions)
    with sessions.begin() as session:
        wish(session, job.id)
    end(sessions)
    assert (found(sessions, job).state, found(sessions, job).crashes) == (state, 1)


def test_a_process_that_stopped_itself_has_lost_its_attempt_and_not_crashed(either_sessions):
    job = submit(either_sessions)
    claim(either_sessions)
    assert end(either_sessions, crash=None) == "cpu"
    ended = found(either_sessions, job)
    assert (ended.state, ended.reason["code"]) == (JobState.QUEUED, "attempt_lost")
    assert (ended.crashes, ended.lost_attempts) == (0, 1)


def test_only_the_attempt_of_the_process_that_ended_is_ended(either_sessions):
    job = submit(either_sessions)
    claim(either_sessions)
    assert end(either_sessions, process="here:2") is None
    assert end(either_sessions, process="there:1") is None
    assert end(either_sessions, worker_id=new_id()) is None
    assert found(either_sessions, job).state is JobState.RUNNING
    assert end(either_sessions) == "cpu"
    assert end(either_sessions) is None, "it had one attempt"


def test_a_training_that_makes_no_progress_has_crashed(either_sessions):
    job = submit(either_sessions)
    for state in (JobState.QUEUED, JobState.QUEUED, JobState.FAILED):
        mine = claim(either_sessions)
        with either_sessions.begin() as session:
            attempts.end_stalled(session, mine, silent_s=600.0, max_crashes=3)
        assert found(either_sessions, job).state is state
    assert "nothing was heard of the training for 600 s" in found(either_sessions, job).reason["message"]


def test_a_crash_keeps_the_checkpoint_and_fences_the_attempt_off(either_sessions):
    submit(either_sessions)
    mine = claim(either_sessions)
    made = MadeCheckpoint(Stored("a" * 64, 7), 0, 3, 1.0)
    with either_sessions.begin() as session:
        attempts.keep_checkpoint(session, mine, made)
    end(either_sessions)
    with pytest.raises(LeaseLost), either_sessions.begin() as session:
        attempts.keep_checkpoint(session, mine, made)
    assert claim(either_sessions).checkpoint.step == 3
