"""The worker's side of a job's life, on both databases."""

import math
import threading

import pytest

from models import Checkpoint, DiscardedFile, Epoch, Job, JobMetric, JobState
from service.errors import LeaseLost
from service.history import metric_history
from service.jobs import attempts, jobs, lifecycle
from service.jobs.attempts import Conclusion, EpochRow, LetGo, MadeArtifact, MadeCheckpoint, MetricSummary
from service.queue import worker_registry
from service.storage import file_references
from service.storage.artifact_store import Stored
from tests import runs
from tests.factories import beat, registration, submit

NAMES = ("loss", "val_loss")
SUMMARIES = {name: MetricSummary(1.0, 1.0, 0) for name in NAMES}


LETTING_GO = LetGo(lifecycle.reason(lifecycle.HANDED_BACK, "Its worker was told to end."))


def claim(sessions, lease_s=30.0, worker="here:1", worker_id=None):
    with sessions.begin() as session:
        return attempts.claim(session, queue="cpu", worker=worker, lease_s=lease_s, worker_id=worker_id)


def record(sessions, claimed, *rows):
    with sessions.begin() as session:
        attempts.record_epochs(session, claimed, NAMES, rows, SUMMARIES)


def made(letter, epoch, step=0, spent_s=0.0):
    """A checkpoint whose file is called by a letter."""
    return MadeCheckpoint(Stored(letter * 64, 7), epoch, step, spent_s)


def checkpoint(sessions, claimed, *args, **kwargs):
    with sessions.begin() as session:
        attempts.keep_checkpoint(session, claimed, made(*args, **kwargs))


def kept(sessions):
    """The letters of the files that checkpoints name, and of those that are discarded."""
    with sessions.read() as session:
        named = sorted(one.sha256[0] for one in session.query(Checkpoint))
        return named, sorted(one.sha256[0] for one in session.query(DiscardedFile))


def let_go(sessions, claimed):
    with sessions.begin() as session:
        attempts.let_go(session, claimed, LETTING_GO)


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
        told = metric_history.read(session, mine.job_id)
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
        assert metric_history.read(session, mine.job_id).metrics["loss"] == [3.0, 2.0, 1.0]


def test_a_lost_attempt_is_fenced_off_and_the_next_starts_anew(either_sessions):
    job = submit(either_sessions)
    stale = claim(either_sessions, lease_s=0.0)
    record(either_sessions, stale, EpochRow(0, [9.0, 9.0]))
    assert runs.recover(either_sessions) == 1
    assert state(either_sessions, job) is JobState.QUEUED
    fresh = claim(either_sessions, worker="there:2")
    assert fresh.attempt == stale.attempt + 1
    with either_sessions.read() as session:
        assert session.query(Epoch).count() == 0
    for write in (
        lambda session: attempts.record_epochs(session, stale, NAMES, [EpochRow(0, [1.0, 1.0])], SUMMARIES),
        lambda session: attempts.renew(session, stale, 30),
        lambda session: attempts.wishes(session, stale),
        lambda session: attempts.keep_checkpoint(session, stale, made("a", 1)),
        lambda session: attempts.start_anew(session, stale),
        lambda session: attempts.let_go(session, stale, LETTING_GO),
        lambda session: attempts.end_stalled(session, stale, silent_s=1.0, max_crashes=3),
        lambda session: attempts.conclude(session, stale, Conclusion(JobState.SUCCEEDED)),
    ):
        with pytest.raises(LeaseLost), either_sessions.begin() as session:
            write(session)
    assert kept(either_sessions) == ([], [])
    record(either_sessions, fresh, EpochRow(0, [1.0, 1.0]))
    with either_sessions.begin() as session:
        attempts.conclude(session, fresh, Conclusion(JobState.SUCCEEDED))
    assert state(either_sessions, job) is JobState.SUCCEEDED


def test_a_renewed_lease_is_not_lost(either_sessions):
    job = submit(either_sessions)
    mine = claim(either_sessions, lease_s=0.0)
    with either_sessions.begin() as session:
        attempts.renew(session, mine, 30)
    assert runs.recover(either_sessions) == 0
    assert state(either_sessions, job) is JobState.RUNNING


def test_the_loss_of_a_worker_is_never_a_jobs_failure(either_sessions):
    job = submit(either_sessions)
    for _ in range(5):
        claim(either_sessions, lease_s=0.0)
        runs.recover(either_sessions)
    with either_sessions.read() as session:
        found = jobs.get(session, job.id)
    assert (found.state, found.reason["code"]) == (JobState.QUEUED, "attempt_lost")
    assert (found.lost_attempts, found.crashes) == (5, 0)


def test_a_lost_attempt_of_a_cancelled_job_is_its_end(either_sessions):
    job = submit(either_sessions)
    claim(either_sessions, lease_s=0.0)
    with either_sessions.begin() as session:
        jobs.cancel(session, job.id)
    runs.recover(either_sessions)
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
        assert "ab" * 32 in file_references.named(session)


def test_the_next_attempt_goes_on_from_the_checkpoint_and_forgets_what_came_after(either_sessions):
    submit(either_sessions)
    first = claim(either_sessions)
    record(either_sessions, first, EpochRow(0, [4.0, 9.0]), EpochRow(1, [2.0, math.nan]))
    checkpoint(either_sessions, first, "a", 2, step=5, spent_s=60.0)
    record(either_sessions, first, EpochRow(2, [1.0, 1.0]), EpochRow(3, [0.5, 0.5]))
    let_go(either_sessions, first)

    second = claim(either_sessions)

    assert (second.checkpoint.epoch, second.checkpoint.step, second.checkpoint.attempt) == (2, 5, 1)
    assert (second.attempt, second.spent_s, second.names) == (2, 60.0, NAMES)
    assert second.summaries == {"loss": MetricSummary(2.0, 2.0, 1), "val_loss": MetricSummary(None, 9.0, 0)}
    with either_sessions.read() as session:
        assert metric_history.read(session, second.job_id).epochs == [0, 1]
        assert jobs.get(session, second.job_id).epochs_done == 2
        known = {one.name: (one.last, one.best, one.best_epoch) for one in session.query(JobMetric)}
    assert known == {"loss": (2.0, 2.0, 1), "val_loss": (None, 9.0, 0)}


def test_without_a_checkpoint_nothing_is_left_of_an_attempt(either_sessions):
    submit(either_sessions)
    first = claim(either_sessions)
    record(either_sessions, first, EpochRow(0, [4.0, 9.0]))
    let_go(either_sessions, first)
    second = claim(either_sessions)
    assert (second.checkpoint, second.spent_s, second.names, second.summaries) == (None, 0.0, (), {})
    with either_sessions.read() as session:
        assert metric_history.read(session, second.job_id).epochs == []
        assert session.query(JobMetric).count() == 0


def test_a_new_checkpoint_discards_the_one_before_it_and_not_itself(either_sessions):
    submit(either_sessions)
    mine = claim(either_sessions)
    for letter, epoch in (("a", 1), ("b", 2), ("b", 2)):  # the second time because the commit was not heard of
        checkpoint(either_sessions, mine, letter, epoch)
    assert kept(either_sessions) == (["b"], ["a"])
    checkpoint(either_sessions, mine, "a", 3)
    assert kept(either_sessions) == (["a"], ["b"])


def test_an_attempt_can_begin_anew_where_its_checkpoint_is_of_no_use(either_sessions):
    submit(either_sessions)
    first = claim(either_sessions)
    record(either_sessions, first, EpochRow(0, [4.0, 9.0]))
    checkpoint(either_sessions, first, "a", 1, spent_s=60.0)
    let_go(either_sessions, first)
    second = claim(either_sessions)
    with either_sessions.begin() as session:
        attempts.start_anew(session, second)
    assert kept(either_sessions) == ([], ["a"])
    with either_sessions.read() as session:
        job = jobs.get(session, second.job_id)
        assert (job.epochs_done, job.metric_names, job.spent_s) == (0, [], 0.0)
        assert session.query(Epoch).count() == session.query(JobMetric).count() == 0


@pytest.mark.parametrize(
    ("state", "code", "stays"),
    [
        (JobState.SUCCEEDED, None, False),
        (JobState.DIVERGED, "loss_not_finite", True),
        (JobState.FAILED, "unexpected", False),
        (JobState.FAILED, lifecycle.TIME_LIMIT, True),
        (JobState.CANCELLED, "cancelled", False),
    ],
)
def test_a_checkpoint_outlives_its_job_where_it_is_all_there_is_to_show(sessions, state, code, stays):
    submit(sessions)
    mine = claim(sessions)
    checkpoint(sessions, mine, "a", 0)
    with sessions.begin() as session:
        why = None if code is None else lifecycle.reason(code, "")
        attempts.conclude(session, mine, Conclusion(state, why))
    assert kept(sessions) == ((["a"], []) if stays else ([], ["a"]))


def test_a_job_that_is_let_go_waits_unless_somebody_wants_otherwise(either_sessions):
    ends = {}
    for wish in (None, jobs.pause, jobs.cancel):
        job = submit(either_sessions)
        mine = claim(either_sessions)
        if wish is not None:
            with either_sessions.begin() as session:
                wish(session, job.id)
        let_go(either_sessions, mine)
        with either_sessions.read() as session:
            found = jobs.get(session, job.id)
        ends[wish] = (found.state, found.reason["code"], found.pause_requested, found.lost_attempts, found.crashes)
        if found.state is JobState.QUEUED:
            claim(either_sessions)
    assert ends == {
        None: (JobState.QUEUED, "handed_back", False, 0, 0),
        jobs.pause: (JobState.PAUSED, "paused", False, 0, 0),
        jobs.cancel: (JobState.CANCELLED, "cancelled", False, 0, 0),
    }


def test_a_worker_that_drains_is_given_nothing(either_sessions):
    job = submit(either_sessions)
    worker = beat(either_sessions, registration())
    for wanted, expected in ((True, None), (False, job.id)):
        with either_sessions.begin() as session:
            worker_registry.drain(session, worker.id, wanted=wanted)
        claimed = claim(either_sessions, worker_id=worker.id)
        assert (claimed and claimed.job_id) == expected


def test_a_spec_that_cannot_be_read_any_more_holds_up_nobody(either_sessions):
    broken, whole = submit(either_sessions), submit(either_sessions)
    with either_sessions.begin() as session:
        session.get_one(Job, broken.id).spec = {"of": "another release"}
    assert claim(either_sessions).job_id == whole.id
    with either_sessions.read() as session:
        assert jobs.get(session, broken.id).reason["code"] == "spec_unreadable"
