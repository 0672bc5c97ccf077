"""Attempts that were lost and attempts that crashed, on both databases."""

import pytest

from models import Job, JobState
from service.db.ids import new_id
from service.errors import LeaseLost
from service.jobs import attempts, controls, queries, recovery
from service.jobs.attempts import EpochMetrics, MetricSummary, StoredCheckpoint
from service.jobs.crashes import Crash
from service.storage.artifact_store import FileReference
from tests.factories import submit_job

WORKER = new_id()
SEGFAULT = Crash("its process was killed by SIGSEGV", signal="SIGSEGV")


def claim_job(sessions, process="here:1"):
    with sessions.begin() as session:
        return attempts.claim_job(session, queue="cpu", worker=process, lease_s=60.0, worker_id=WORKER)


def end_attempt(sessions, crash=SEGFAULT, process="here:1", worker_id=WORKER):
    with sessions.begin() as session:
        return recovery.end_process_attempt(session, worker_id=worker_id, worker=process, crash=crash, max_crashes=3)


def load_job(sessions, job):
    with sessions.read() as session:
        return queries.get_job(session, job.id)


def test_a_crash_ends_its_attempt_at_once_and_the_third_crash_fails_the_job(either_sessions):
    job = submit_job(either_sessions)
    for number in (1, 2, 3):
        claimed = claim_job(either_sessions)
        with either_sessions.begin() as session:
            rows = [EpochMetrics(0, [1.0]), EpochMetrics(1, [1.0])]
            attempts.record_epochs(session, claimed, ["loss"], rows, {"loss": MetricSummary(1.0, 1.0, 0)})
        assert end_attempt(either_sessions) == "cpu"
        state = JobState.QUEUED if number < 3 else JobState.FAILED
        assert (load_job(either_sessions, job).state, load_job(either_sessions, job).crashes) == (state, number)
    reason = load_job(either_sessions, job).reason
    assert reason["message"] == "3 attempts crashed. In the last one, its process was killed by SIGSEGV."
    assert {key: reason[key] for key in ("code", "signal", "exit_status", "last_epoch", "estimate")} == {
        "code": "crashed",
        "signal": "SIGSEGV",
        "exit_status": None,
        "last_epoch": 1,
        "estimate": None,
    }


def test_the_reason_of_an_out_of_memory_crash_has_the_peak_and_the_estimate(either_sessions):
    job = submit_job(either_sessions)
    claimed = claim_job(either_sessions)
    with either_sessions.begin() as session:
        attempts.renew_lease(session, claimed, 60.0, peak_memory=3_000_000)
    end_attempt(
        either_sessions,
        Crash("its process was killed by SIGKILL because memory ran out", "SIGKILL", is_out_of_memory=True),
    )
    reason = load_job(either_sessions, job).reason
    assert (reason["code"], reason["peak_memory"]) == ("attempt_crashed", 3_000_000)
    assert 0 < reason["estimate"] < 100_000_000
    assert reason["estimate"] == job.memory_estimate
    assert "3,000,000 bytes" in reason["message"]
    assert f"{reason['estimate']:,}" in reason["message"]


def test_a_job_that_exceeded_its_limit_of_memory_fails_at_once(either_sessions):
    job = submit_job(either_sessions)
    claimed = claim_job(either_sessions)
    with either_sessions.begin() as session:
        attempts.renew_lease(session, claimed, 60.0, peak_memory=3_000_000)
    end_attempt(either_sessions, Crash("it ended", "SIGABRT", is_out_of_memory=True, exceeded_limit=True))
    ended = load_job(either_sessions, job)
    assert (ended.state, ended.reason["code"]) == (JobState.FAILED, "out_of_memory")
    assert (ended.reason["peak_memory"], ended.reason["estimate"]) == (3_000_000, job.memory_estimate)


def test_a_job_whose_process_the_kernel_killed_is_tried_again_and_fails_as_out_of_memory(sessions):
    job = submit_job(sessions)
    for state in (JobState.QUEUED, JobState.QUEUED, JobState.FAILED):
        claim_job(sessions)
        end_attempt(sessions, Crash("it was killed", "SIGKILL", is_out_of_memory=True))
        assert load_job(sessions, job).state is state
    assert load_job(sessions, job).reason["code"] == "out_of_memory"


def test_the_reason_of_an_out_of_memory_crash_has_the_estimate_even_if_the_spec_is_unreadable(sessions):
    job = submit_job(sessions)
    claim_job(sessions)
    with sessions.begin() as session:
        session.get_one(Job, job.id).spec = {"of": "another release"}
    end_attempt(sessions, Crash("it was killed", "SIGKILL", is_out_of_memory=True))
    assert load_job(sessions, job).reason["estimate"] == job.memory_estimate


def test_the_reason_of_an_out_of_memory_crash_of_an_earlier_release_s_job_has_no_estimate(sessions):
    job = submit_job(sessions)
    claim_job(sessions)
    with sessions.begin() as session:
        session.get_one(Job, job.id).memory_estimate = None
    end_attempt(sessions, Crash("it was killed", "SIGKILL", is_out_of_memory=True))
    reason = load_job(sessions, job).reason
    assert reason["estimate"] is None
    assert "estimates" not in reason["message"]


@pytest.mark.parametrize(
    ("request_control", "state"), [(controls.cancel_job, JobState.CANCELLED), (controls.pause_job, JobState.PAUSED)]
)
def test_a_job_that_crashes_is_still_cancelled_or_paused_on_request(sessions, request_control, state):
    job = submit_job(sessions)
    claim_job(sessions)
    with sessions.begin() as session:
        request_control(session, job.id)
    end_attempt(sessions)
    assert (load_job(sessions, job).state, load_job(sessions, job).crashes) == (state, 1)


def test_the_attempt_of_a_process_that_exited_by_itself_is_lost_and_not_crashed(either_sessions):
    job = submit_job(either_sessions)
    claim_job(either_sessions)
    assert end_attempt(either_sessions, crash=None) == "cpu"
    ended = load_job(either_sessions, job)
    assert (ended.state, ended.reason["code"]) == (JobState.QUEUED, "attempt_lost")
    assert (ended.crashes, ended.lost_attempts) == (0, 1)


def test_only_the_attempt_of_the_ended_process_is_ended(either_sessions):
    job = submit_job(either_sessions)
    claim_job(either_sessions)
    assert end_attempt(either_sessions, process="here:2") is None
    assert end_attempt(either_sessions, process="there:1") is None
    assert end_attempt(either_sessions, worker_id=new_id()) is None
    assert load_job(either_sessions, job).state is JobState.RUNNING
    assert end_attempt(either_sessions) == "cpu"
    assert end_attempt(either_sessions) is None, "the process had one attempt"


def test_a_stalled_training_counts_as_a_crash(either_sessions):
    job = submit_job(either_sessions)
    for state in (JobState.QUEUED, JobState.QUEUED, JobState.FAILED):
        claimed = claim_job(either_sessions)
        with either_sessions.begin() as session:
            attempts.end_stalled_attempt(session, claimed, silent_s=600.0, max_crashes=3)
        assert load_job(either_sessions, job).state is state
    assert "nothing was heard from the training for 600 s" in load_job(either_sessions, job).reason["message"]


def test_a_crash_keeps_the_checkpoint_and_rejects_later_writes_of_the_attempt(either_sessions):
    submit_job(either_sessions)
    claimed = claim_job(either_sessions)
    checkpoint = StoredCheckpoint(FileReference("a" * 64, 7), 0, 3, 1.0)
    with either_sessions.begin() as session:
        attempts.save_checkpoint(session, claimed, checkpoint)
    end_attempt(either_sessions)
    with pytest.raises(LeaseLost), either_sessions.begin() as session:
        attempts.save_checkpoint(session, claimed, checkpoint)
    assert claim_job(either_sessions).checkpoint.step == 3
