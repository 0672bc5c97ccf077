"""The worker's side of a job's life, on both databases."""

import math
import threading

import pytest

from models import Epoch, Job, JobState
from service import attempts, files, history, jobs, recovery
from service.artifacts import Stored
from service.attempts import Conclusion, EpochRow, MadeArtifact, MetricSummary
from service.errors import LeaseLost
from tests.factories import submit

NAMES = ("loss", "val_loss")
SUMMARIES = {name: MetricSummary(1.0, 1.0, 0) for name in NAMES}


def claim(sessions, lease_s=30.0, worker="here:1"):
    with sessions.begin() as session:
        return attempts.claim(session, queue="cpu", worker=worker, lease_s=lease_s)


def record(sessions, claimed, *rows):
    with sessions.begin() as session:
        attempts.record_epochs(session, claimed, NAMES, rows, SUMMARIES)


def recover(sessions, times=3):
    with sessions.begin() as session:
        return recovery.recover_lost_attempts(session, max_lost_attempts=times)


def state(sessions, job):
    with sessions.read() as session:
        return jobs.get(session, job.id).state


def test_the_highest_priority_is_claimed_first_and_then_the_oldest(either_sessions):
    first, second, urgent = (submit(either_sessions, run={"priority": priority}).id for priority in (5, 5, 9))
    assert [claim(either_sessions).job_id for _ in range(3)] == [urgent, first, second]
    assert claim(either_sessions) is None


def test_a_queue_gives_only_its_own_jobs(either_sessions):
    submit(either_sessions, run={"device": "gpu"})
    assert claim(either_sessions) is None


def test_a_job_is_claimed_once_however_many_ask_at_once(either_sessions):
    expected = {submit(either_sessions).id for _ in range(20)}
    claimed, lock = [], threading.Lock()

    def take_all():
        while (mine := claim(either_sessions)) is not None:
            with lock:
                claimed.append(mine.job_id)

    threads = [threading.Thread(target=take_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 20
    assert set(claimed) == expected


def test_numbers_that_are_not_finite_come_back_as_they_went(either_sessions):
    submit(either_sessions)
    mine = claim(either_sessions)
    record(either_sessions, mine, EpochRow(0, [0.1, math.inf]), EpochRow(1, [math.nan, -math.inf]))
    with either_sessions.read() as session:
        told = history.read(session, mine.job_id)
    assert told.epochs == [0, 1]
    assert told.metrics["loss"][0] == 0.1
    assert math.isnan(told.metrics["loss"][1])
    assert told.metrics["val_loss"] == [math.inf, -math.inf]


def test_the_same_epochs_again_are_recorded_once(either_sessions):
    submit(either_sessions)
    mine = claim(either_sessions)
    record(either_sessions, mine, EpochRow(0, [3.0, 3.0]), EpochRow(1, [2.0, 2.0]))
    record(either_sessions, mine, EpochRow(1, [2.0, 2.0]), EpochRow(2, [1.0, 1.0]))
    with either_sessions.read() as session:
        assert history.read(session, mine.job_id).metrics["loss"] == [3.0, 2.0, 1.0]


def test_a_lost_attempt_is_fenced_off_and_the_next_starts_anew(either_sessions):
    job = submit(either_sessions)
    stale = claim(either_sessions, lease_s=0.0)
    record(either_sessions, stale, EpochRow(0, [9.0, 9.0]))
    assert recover(either_sessions) == 1
    assert state(either_sessions, job) is JobState.QUEUED
    fresh = claim(either_sessions, worker="there:2")
    assert fresh.attempt == stale.attempt + 1
    with either_sessions.read() as session:
        assert session.query(Epoch).count() == 0
    for write in (
        lambda session: attempts.record_epochs(session, stale, NAMES, [EpochRow(0, [1.0, 1.0])], SUMMARIES),
        lambda session: attempts.renew(session, stale, 30),
        lambda session: attempts.cancel_requested(session, stale),
        lambda session: attempts.conclude(session, stale, Conclusion(JobState.SUCCEEDED)),
    ):
        with pytest.raises(LeaseLost), either_sessions.begin() as session:
            write(session)
    record(either_sessions, fresh, EpochRow(0, [1.0, 1.0]))
    with either_sessions.begin() as session:
        attempts.conclude(session, fresh, Conclusion(JobState.SUCCEEDED))
    assert state(either_sessions, job) is JobState.SUCCEEDED


def test_a_renewed_lease_is_not_lost(either_sessions):
    job = submit(either_sessions)
    mine = claim(either_sessions, lease_s=0.0)
    with either_sessions.begin() as session:
        attempts.renew(session, mine, 30)
    assert recover(either_sessions) == 0
    assert state(either_sessions, job) is JobState.RUNNING


def test_a_job_that_takes_its_workers_down_fails_and_says_so(either_sessions):
    job = submit(either_sessions)
    for _ in range(3):
        claim(either_sessions, lease_s=0.0)
        recover(either_sessions, times=3)
    with either_sessions.read() as session:
        found = jobs.get(session, job.id)
    assert found.state is JobState.FAILED
    assert found.reason["code"] == "worker_lost"
    assert found.lost_attempts == 3


def test_a_lost_attempt_of_a_cancelled_job_is_its_end(either_sessions):
    job = submit(either_sessions)
    claim(either_sessions, lease_s=0.0)
    with either_sessions.begin() as session:
        jobs.cancel(session, job.id)
    recover(either_sessions)
    assert state(either_sessions, job) is JobState.CANCELLED


def test_a_deleted_job_takes_the_right_to_it_along(either_sessions):
    job = submit(either_sessions, tags=["a"])
    mine = claim(either_sessions)
    record(either_sessions, mine, EpochRow(0, [1.0, 1.0]))
    with either_sessions.begin() as session:
        jobs.remove(session, job.id)
    with pytest.raises(LeaseLost), either_sessions.begin() as session:
        attempts.renew(session, mine, 30)
    with either_sessions.read() as session:
        assert session.query(Job).count() == 0
        assert session.query(Epoch).count() == 0


def test_what_a_job_made_is_published_with_its_end_and_protects_its_file(either_sessions):
    submit(either_sessions)
    mine = claim(either_sessions)
    made = MadeArtifact("model", "application/octet-stream", Stored("ab" * 32, 7))
    with either_sessions.begin() as session:
        attempts.conclude(session, mine, Conclusion(JobState.SUCCEEDED, artifacts=[made]))
    with either_sessions.read() as session:
        assert "ab" * 32 in files.named(session)
