"""Attempts: claims, leases, records and conclusions, on both databases."""

import math
import threading

import pytest

from models import Checkpoint, DiscardedFile, Epoch, Job, JobMetric, JobState
from service.errors import LeaseLost
from service.history import metric_history
from service.jobs import attempts, controls, lifecycle, queries
from service.jobs.attempts import (
    Conclusion,
    EpochMetrics,
    MetricSummary,
    ReleasedAttempt,
    StoredArtifact,
    StoredCheckpoint,
)
from service.queue import worker_registry
from service.storage import file_references
from service.storage.artifact_store import FileReference
from tests import attempt_factories
from tests.factories import build_registration, record_heartbeat, submit_job

NAMES = ("loss", "val_loss")
SUMMARIES = {name: MetricSummary(1.0, 1.0, 0) for name in NAMES}
RELEASE = ReleasedAttempt(lifecycle.build_reason(lifecycle.HANDED_BACK, "Its worker was told to end."))


def claim_job(sessions, lease_s=30.0, worker="here:1", worker_id=None):
    with sessions.begin() as session:
        return attempts.claim_job(session, queue="cpu", worker=worker, lease_s=lease_s, worker_id=worker_id)


def record_epochs(sessions, claimed, *rows):
    with sessions.begin() as session:
        attempts.record_epochs(session, claimed, NAMES, rows, SUMMARIES)


def build_checkpoint(letter, epoch, step=0, spent_s=0.0):
    """Return a checkpoint whose file is named by a letter."""
    return StoredCheckpoint(FileReference(letter * 64, 7), epoch, step, spent_s)


def save_checkpoint(sessions, claimed, *args, **kwargs):
    with sessions.begin() as session:
        attempts.save_checkpoint(session, claimed, build_checkpoint(*args, **kwargs))


def list_files(sessions):
    """Return the letters of the files that checkpoints refer to, and those of the unreferenced files."""
    with sessions.read() as session:
        referenced = sorted(row.sha256[0] for row in session.query(Checkpoint))
        return referenced, sorted(row.sha256[0] for row in session.query(DiscardedFile))


def release_attempt(sessions, claimed):
    with sessions.begin() as session:
        attempts.release_attempt(session, claimed, RELEASE)


def load_state(sessions, job):
    with sessions.read() as session:
        return queries.get_job(session, job.id).state


def test_the_highest_priority_is_claimed_first_and_then_the_oldest(either_sessions):
    first, second, urgent = (submit_job(either_sessions, run={"priority": priority}).id for priority in (5, 5, 9))
    assert [claim_job(either_sessions).job_id for _ in range(3)] == [urgent, first, second]
    assert claim_job(either_sessions) is None


def test_a_queue_gives_only_its_own_jobs(either_sessions):
    submit_job(either_sessions, run={"device": "gpu"})
    assert claim_job(either_sessions) is None


def test_concurrent_claims_take_each_job_once(either_sessions):
    expected = {submit_job(either_sessions).id for _ in range(20)}
    claimed_ids, lock = [], threading.Lock()

    def claim_all():
        while (claimed := claim_job(either_sessions)) is not None:
            with lock:
                claimed_ids.append(claimed.job_id)

    threads = [threading.Thread(target=claim_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed_ids) == 20
    assert set(claimed_ids) == expected


def test_numbers_that_are_not_finite_are_stored_unchanged(either_sessions):
    submit_job(either_sessions)
    claimed = claim_job(either_sessions)
    record_epochs(either_sessions, claimed, EpochMetrics(0, [0.1, math.inf]), EpochMetrics(1, [math.nan, -math.inf]))
    with either_sessions.read() as session:
        history = metric_history.load_history(session, claimed.job_id)
    assert history.epochs == [0, 1]
    assert history.metrics["loss"][0] == 0.1
    assert math.isnan(history.metrics["loss"][1])
    assert history.metrics["val_loss"] == [math.inf, -math.inf]


def test_epochs_that_are_recorded_twice_are_stored_once(either_sessions):
    submit_job(either_sessions)
    claimed = claim_job(either_sessions)
    record_epochs(either_sessions, claimed, EpochMetrics(0, [3.0, 3.0]), EpochMetrics(1, [2.0, 2.0]))
    record_epochs(either_sessions, claimed, EpochMetrics(1, [2.0, 2.0]), EpochMetrics(2, [1.0, 1.0]))
    with either_sessions.read() as session:
        assert metric_history.load_history(session, claimed.job_id).metrics["loss"] == [3.0, 2.0, 1.0]


def test_every_write_of_a_lost_attempt_is_rejected_and_the_next_attempt_starts_from_the_beginning(either_sessions):
    job = submit_job(either_sessions)
    stale = claim_job(either_sessions, lease_s=0.0)
    record_epochs(either_sessions, stale, EpochMetrics(0, [9.0, 9.0]))
    assert attempt_factories.recover_lost_attempts(either_sessions) == 1
    assert load_state(either_sessions, job) is JobState.QUEUED
    fresh = claim_job(either_sessions, worker="there:2")
    assert fresh.attempt == stale.attempt + 1
    with either_sessions.read() as session:
        assert session.query(Epoch).count() == 0
    for write in (
        lambda session: attempts.record_epochs(session, stale, NAMES, [EpochMetrics(0, [1.0, 1.0])], SUMMARIES),
        lambda session: attempts.renew_lease(session, stale, 30),
        lambda session: attempts.load_control_requests(session, stale),
        lambda session: attempts.save_checkpoint(session, stale, build_checkpoint("a", 1)),
        lambda session: attempts.restart_attempt(session, stale),
        lambda session: attempts.release_attempt(session, stale, RELEASE),
        lambda session: attempts.end_stalled_attempt(session, stale, silent_s=1.0, max_crashes=3),
        lambda session: attempts.conclude_attempt(session, stale, Conclusion(JobState.SUCCEEDED)),
    ):
        with pytest.raises(LeaseLost), either_sessions.begin() as session:
            write(session)
    assert list_files(either_sessions) == ([], [])
    record_epochs(either_sessions, fresh, EpochMetrics(0, [1.0, 1.0]))
    with either_sessions.begin() as session:
        attempts.conclude_attempt(session, fresh, Conclusion(JobState.SUCCEEDED))
    assert load_state(either_sessions, job) is JobState.SUCCEEDED


def test_a_renewed_lease_is_not_lost(either_sessions):
    job = submit_job(either_sessions)
    claimed = claim_job(either_sessions, lease_s=0.0)
    with either_sessions.begin() as session:
        attempts.renew_lease(session, claimed, 30)
    assert attempt_factories.recover_lost_attempts(either_sessions) == 0
    assert load_state(either_sessions, job) is JobState.RUNNING


def test_lost_workers_do_not_make_a_job_fail(either_sessions):
    job = submit_job(either_sessions)
    for _ in range(5):
        claim_job(either_sessions, lease_s=0.0)
        attempt_factories.recover_lost_attempts(either_sessions)
    with either_sessions.read() as session:
        row = queries.get_job(session, job.id)
    assert (row.state, row.reason["code"]) == (JobState.QUEUED, "attempt_lost")
    assert (row.lost_attempts, row.crashes) == (5, 0)


def test_a_job_with_a_cancel_request_is_cancelled_when_its_attempt_is_lost(either_sessions):
    job = submit_job(either_sessions)
    claim_job(either_sessions, lease_s=0.0)
    with either_sessions.begin() as session:
        controls.cancel_job(session, job.id)
    attempt_factories.recover_lost_attempts(either_sessions)
    assert load_state(either_sessions, job) is JobState.CANCELLED


def test_deleting_a_job_ends_its_lease(either_sessions):
    job = submit_job(either_sessions, tags=["a"])
    claimed = claim_job(either_sessions)
    record_epochs(either_sessions, claimed, EpochMetrics(0, [1.0, 1.0]))
    with either_sessions.begin() as session:
        controls.delete_job(session, job.id)
    with pytest.raises(LeaseLost), either_sessions.begin() as session:
        attempts.renew_lease(session, claimed, 30)
    with either_sessions.read() as session:
        assert session.query(Job).count() == 0
        assert session.query(Epoch).count() == 0


def test_an_artifact_is_published_when_the_attempt_concludes_and_refers_to_its_file(either_sessions):
    submit_job(either_sessions)
    claimed = claim_job(either_sessions)
    artifact = StoredArtifact("model", "application/octet-stream", FileReference("ab" * 32, 7))
    with either_sessions.begin() as session:
        attempts.conclude_attempt(session, claimed, Conclusion(JobState.SUCCEEDED, artifacts=[artifact]))
    with either_sessions.read() as session:
        assert "ab" * 32 in file_references.list_referenced_files(session)


def test_the_next_attempt_continues_from_the_checkpoint_without_later_epochs(either_sessions):
    submit_job(either_sessions)
    first = claim_job(either_sessions)
    record_epochs(either_sessions, first, EpochMetrics(0, [4.0, 9.0]), EpochMetrics(1, [2.0, math.nan]))
    save_checkpoint(either_sessions, first, "a", 2, step=5, spent_s=60.0)
    record_epochs(either_sessions, first, EpochMetrics(2, [1.0, 1.0]), EpochMetrics(3, [0.5, 0.5]))
    release_attempt(either_sessions, first)

    second = claim_job(either_sessions)

    assert (second.checkpoint.epoch, second.checkpoint.step, second.checkpoint.attempt) == (2, 5, 1)
    assert (second.attempt, second.spent_s, second.metric_names) == (2, 60.0, NAMES)
    assert second.summaries == {"loss": MetricSummary(2.0, 2.0, 1), "val_loss": MetricSummary(None, 9.0, 0)}
    with either_sessions.read() as session:
        assert metric_history.load_history(session, second.job_id).epochs == [0, 1]
        assert queries.get_job(session, second.job_id).epochs_done == 2
        stored = {row.name: (row.last, row.best, row.best_epoch) for row in session.query(JobMetric)}
    assert stored == {"loss": (2.0, 2.0, 1), "val_loss": (None, 9.0, 0)}


def test_without_a_checkpoint_the_records_of_an_attempt_are_deleted(either_sessions):
    submit_job(either_sessions)
    first = claim_job(either_sessions)
    record_epochs(either_sessions, first, EpochMetrics(0, [4.0, 9.0]))
    release_attempt(either_sessions, first)
    second = claim_job(either_sessions)
    assert (second.checkpoint, second.spent_s, second.metric_names, second.summaries) == (None, 0.0, (), {})
    with either_sessions.read() as session:
        assert metric_history.load_history(session, second.job_id).epochs == []
        assert session.query(JobMetric).count() == 0


def test_a_new_checkpoint_replaces_the_previous_one_and_keeps_its_own_file(either_sessions):
    submit_job(either_sessions)
    claimed = claim_job(either_sessions)
    for letter, epoch in (("a", 1), ("b", 2), ("b", 2)):  # twice, as after a commit whose outcome is unknown
        save_checkpoint(either_sessions, claimed, letter, epoch)
    assert list_files(either_sessions) == (["b"], ["a"])
    save_checkpoint(either_sessions, claimed, "a", 3)
    assert list_files(either_sessions) == (["a"], ["b"])


def test_an_attempt_can_restart_without_its_checkpoint(either_sessions):
    submit_job(either_sessions)
    first = claim_job(either_sessions)
    record_epochs(either_sessions, first, EpochMetrics(0, [4.0, 9.0]))
    save_checkpoint(either_sessions, first, "a", 1, spent_s=60.0)
    release_attempt(either_sessions, first)
    second = claim_job(either_sessions)
    with either_sessions.begin() as session:
        attempts.restart_attempt(session, second)
    assert list_files(either_sessions) == ([], ["a"])
    with either_sessions.read() as session:
        job = queries.get_job(session, second.job_id)
        assert (job.epochs_done, job.metric_names, job.spent_s) == (0, [], 0.0)
        assert session.query(Epoch).count() == session.query(JobMetric).count() == 0


@pytest.mark.parametrize(
    ("state", "code", "is_kept"),
    [
        (JobState.SUCCEEDED, None, False),
        (JobState.DIVERGED, "loss_not_finite", True),
        (JobState.FAILED, "unexpected", False),
        (JobState.FAILED, lifecycle.TIME_LIMIT, True),
        (JobState.CANCELLED, "cancelled", False),
    ],
)
def test_a_checkpoint_is_kept_after_divergence_and_after_the_time_limit(sessions, state, code, is_kept):
    submit_job(sessions)
    claimed = claim_job(sessions)
    save_checkpoint(sessions, claimed, "a", 0)
    with sessions.begin() as session:
        reason = None if code is None else lifecycle.build_reason(code, "")
        attempts.conclude_attempt(session, claimed, Conclusion(state, reason))
    assert list_files(sessions) == ((["a"], []) if is_kept else ([], ["a"]))


def test_a_released_job_waits_unless_it_is_to_be_paused_or_cancelled(either_sessions):
    outcomes = {}
    for request in (None, controls.pause_job, controls.cancel_job):
        job = submit_job(either_sessions)
        claimed = claim_job(either_sessions)
        if request is not None:
            with either_sessions.begin() as session:
                request(session, job.id)
        release_attempt(either_sessions, claimed)
        with either_sessions.read() as session:
            row = queries.get_job(session, job.id)
        outcomes[request] = (row.state, row.reason["code"], row.pause_requested, row.lost_attempts, row.crashes)
        if row.state is JobState.QUEUED:
            claim_job(either_sessions)
    assert outcomes == {
        None: (JobState.QUEUED, "handed_back", False, 0, 0),
        controls.pause_job: (JobState.PAUSED, "paused", False, 0, 0),
        controls.cancel_job: (JobState.CANCELLED, "cancelled", False, 0, 0),
    }


def test_a_draining_worker_gets_no_job(either_sessions):
    job = submit_job(either_sessions)
    worker = record_heartbeat(either_sessions, build_registration())
    for is_requested, expected in ((True, None), (False, job.id)):
        with either_sessions.begin() as session:
            worker_registry.set_drain_requested(session, worker.id, requested=is_requested)
        claimed = claim_job(either_sessions, worker_id=worker.id)
        assert (claimed and claimed.job_id) == expected


def test_an_unreadable_spec_fails_its_job_and_delays_no_other(either_sessions):
    unreadable, readable = submit_job(either_sessions), submit_job(either_sessions)
    with either_sessions.begin() as session:
        session.get_one(Job, unreadable.id).spec = {"of": "another release"}
    assert claim_job(either_sessions).job_id == readable.id
    with either_sessions.read() as session:
        assert queries.get_job(session, unreadable.id).reason["code"] == "spec_unreadable"
