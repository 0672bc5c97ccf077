"""How an attempt is reported while it trains, and how its training is stopped, gently or by force."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from models import Checkpoint, Job, JobMetric, JobState
from service.db.database import get_current_time
from service.errors import LeaseLost, StorageFull
from service.history import metric_history
from service.jobs import attempts, controls, queries
from service.jobs.attempts import Conclusion
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore
from tests import attempt_factories
from tests.factories import submit_job
from tests.polling import wait_until
from worker.attempt import checkpoint_file
from worker.attempt.attempt_reporter import AttemptReporter
from worker.attempt.stop_reasons import JobCancelled, JobPaused, TimeLimitReached, UntilEpochReached, WorkerShutdown
from worker.engine import Snapshot
from worker.runtime.exit_codes import FORCED_STOP
from worker.runtime.shutdown_signal import PARENT_SHUTDOWN, ShutdownSignal


@pytest.fixture
def fast_settings(settings) -> Settings:
    """Return settings with short intervals, and limits that are not reached: past one, pytest would end."""
    return settings.model_copy(update={"flush_s": 0.02, "heartbeat_s": 0.1, "lease_s": 300.0, "cancel_grace_s": 300.0})


def claim_new_job(sessions, lease_s=300.0, **changes):
    job = submit_job(sessions, **changes)
    with sessions.begin() as session:
        claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=lease_s)
    assert claim.job_id == job.id
    return claim


def start_reporter(sessions, claim, settings, shutdown_signal=None):
    store = ArtifactStore(settings.data_dir)
    return AttemptReporter(
        sessions,
        claim,
        settings,
        lease_start=time.monotonic(),
        store=store,
        shutdown_signal=shutdown_signal or ShutdownSignal(),
    )


def build_snapshot(epoch, step=0):
    return Snapshot(epoch, step, {"weights": np.arange(4.0)}, {}, stopped=False)


def claim_again(sessions):
    """Return the claim of the next attempt at the only job."""
    with sessions.begin() as session:
        return attempts.claim_job(session, queue="cpu", worker="here:2", lease_s=30.0)


def wait_for_checkpoint_request(reporter):
    """Poll the reporter as a training does, until it wants a checkpoint."""
    return wait_until(reporter.wants_checkpoint)


def is_stopped(reporter, error, within=10.0):
    """Poll the reporter as a training does; return whether it raises the error in time."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            reporter.check()
        except error:
            return True
        time.sleep(0.005)
    return False


def test_epochs_are_recorded_during_the_training(sessions, fast_settings):
    claim = claim_new_job(sessions)
    with start_reporter(sessions, claim, fast_settings) as reporter:
        reporter.record_epoch(0, {"loss": 2.0, "accuracy": 0.4})
        reporter.record_epoch(1, {"loss": 3.0, "accuracy": 0.5})

        def are_recorded():
            with sessions.read() as session:
                return metric_history.load_history(session, claim.job_id).epochs == [0, 1]

        wait_until(are_recorded)
        reporter.record_epoch(2, {"loss": 1.0, "accuracy": 0.3})
        reporter.end_attempt(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        history = metric_history.load_history(session, claim.job_id)
        assert history.metrics == {"loss": [2.0, 3.0, 1.0], "accuracy": [0.4, 0.5, 0.3]}
        assert queries.get_job(session, claim.job_id).epochs_done == 3


def test_epochs_that_end_during_a_write_are_recorded_too(sessions, fast_settings):
    claim = claim_new_job(sessions)
    with start_reporter(sessions, claim, fast_settings.model_copy(update={"flush_s": 0.005})) as reporter:
        for number in range(300):
            reporter.record_epoch(number, {"loss": float(number)})
            time.sleep(0.002)
        reporter.end_attempt(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        assert metric_history.load_history(session, claim.job_id).metrics["loss"] == list(range(300))


def test_many_short_epochs_need_few_transactions(sessions, fast_settings, monkeypatch):
    transactions = []
    record_epochs = attempts.record_epochs
    monkeypatch.setattr(attempts, "record_epochs", lambda *args: (transactions.append(1), record_epochs(*args)))
    claim = claim_new_job(sessions)
    with start_reporter(sessions, claim, fast_settings.model_copy(update={"flush_s": 0.5})) as reporter:
        for number in range(200):
            reporter.record_epoch(number, {"loss": 1.0})
        reporter.end_attempt(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        assert len(metric_history.load_history(session, claim.job_id).epochs) == 200
    assert len(transactions) <= 10


def test_a_lease_is_renewed_during_the_training(sessions, fast_settings):
    claim = claim_new_job(sessions, lease_s=3.0)
    with start_reporter(sessions, claim, fast_settings.model_copy(update={"lease_s": 3.0})):
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            assert attempt_factories.recover_lost_attempts(sessions) == 0
            time.sleep(0.1)


def test_a_training_stops_when_its_job_is_cancelled(sessions, fast_settings):
    claim = claim_new_job(sessions)
    with start_reporter(sessions, claim, fast_settings) as reporter:
        with sessions.begin() as session:
            controls.cancel_job(session, claim.job_id)
        assert is_stopped(reporter, JobCancelled)
        reporter.end_attempt(Conclusion(JobState.CANCELLED))


def test_a_training_stops_when_its_job_is_deleted(sessions, fast_settings):
    claim = claim_new_job(sessions)
    with start_reporter(sessions, claim, fast_settings) as reporter:
        with sessions.begin() as session:
            controls.delete_job(session, claim.job_id)
        assert is_stopped(reporter, LeaseLost)
        with pytest.raises(LeaseLost):
            reporter.end_attempt(Conclusion(JobState.SUCCEEDED))


def test_a_checkpoint_is_recorded_with_its_epochs_and_the_next_attempt_continues_from_it(sessions, fast_settings):
    claim = claim_new_job(sessions)
    with start_reporter(
        sessions, claim, fast_settings.model_copy(update={"flush_s": 3600.0, "checkpoint_s": 0.05})
    ) as reporter:
        reporter.mark_started()
        reporter.record_epoch(0, {"loss": 2.0})
        reporter.record_epoch(1, {"loss": 1.0})
        wait_for_checkpoint_request(reporter)
        reporter.save_checkpoint(build_snapshot(2, 3))
        reporter.record_epoch(2, {"loss": 0.5})
    with sessions.begin() as session:
        session.get_one(Job, claim.job_id).lease_until = get_current_time(session) - timedelta(seconds=1)
    assert attempt_factories.recover_lost_attempts(sessions) == 1

    second_claim = claim_again(sessions)
    with start_reporter(sessions, second_claim, fast_settings) as reporter:
        path = ArtifactStore(fast_settings.data_dir).path(second_claim.checkpoint.sha256)
        snapshot = checkpoint_file.read_checkpoint(path, job_id=claim.job_id)
        assert (snapshot.epoch, snapshot.step, snapshot.state["weights"].tolist()) == (2, 3, [0.0, 1.0, 2.0, 3.0])
        reporter.mark_started()
        reporter.record_epoch(2, {"loss": 3.0})
        reporter.end_attempt(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        assert metric_history.load_history(session, claim.job_id).metrics == {"loss": [2.0, 1.0, 3.0]}
        assert session.get_one(JobMetric, (claim.job_id, "loss")).best == 1.0, "recorded by the first attempt"
        assert session.query(Checkpoint).count() == 0


def test_a_checkpoint_at_the_until_epoch_is_recorded_with_the_pause_and_a_raised_number_is_seen(
    sessions, fast_settings
):
    claim = claim_new_job(sessions, run={"until_epoch": 1})
    with start_reporter(sessions, claim, fast_settings) as reporter:
        reporter.mark_started()
        assert reporter.get_until_epoch() == 1
        with sessions.begin() as session:
            controls.set_until_epoch(session, claim.job_id, 2)
        wait_until(lambda: reporter.get_until_epoch() == 2)
        reporter.record_epoch(0, {"loss": 2.0})
        reporter.record_epoch(1, {"loss": 1.0})
        with pytest.raises(UntilEpochReached) as stopped:
            reporter.pause_training(build_snapshot(2))
        reporter.end_attempt(stopped.value.ending)
    with sessions.read() as session:
        job, checkpoint = session.get_one(Job, claim.job_id), session.get_one(Checkpoint, claim.job_id)
        assert (job.state, job.reason["code"], job.epochs_done) == (JobState.PAUSED, "until_epoch", 2)
        assert (checkpoint.epoch, checkpoint.step, job.spent_s > 0) == (2, 0, True)
    with sessions.begin() as session:
        assert controls.resume_job(session, claim.job_id).until_epoch is None
    assert claim_again(sessions).checkpoint.sha256 == checkpoint.sha256


def test_a_full_disk_fails_a_pause_at_the_until_epoch_but_not_a_job_that_would_keep_its_last_checkpoint(
    sessions, fast_settings, monkeypatch
):
    def raise_disk_full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    claim = claim_new_job(sessions, run={"until_epoch": 1})
    with start_reporter(sessions, claim, fast_settings) as reporter, monkeypatch.context() as patch:
        patch.setattr(os, "fsync", raise_disk_full)
        with pytest.raises(StorageFull):
            reporter.pause_training(build_snapshot(1))
        reporter.save_final_snapshot(build_snapshot(3))
        assert reporter.final_checkpoint is None


def test_the_final_checkpoint_is_kept_with_a_job_that_succeeds_if_it_is_small(sessions, fast_settings):
    claim = claim_new_job(sessions)
    with start_reporter(sessions, claim, fast_settings) as reporter:
        limit = fast_settings.final_checkpoint_bytes
        assert [reporter.wants_final_snapshot(size) for size in (limit, limit + 1)] == [True, False]
        reporter.save_final_snapshot(build_snapshot(3))
        reporter.end_attempt(Conclusion(JobState.SUCCEEDED, checkpoint=reporter.final_checkpoint))
    with sessions.read() as session:
        checkpoint = session.get_one(Checkpoint, claim.job_id)
        assert (checkpoint.epoch, checkpoint.bytes) == (3, reporter.final_checkpoint.file.bytes)


def test_the_best_value_follows_from_the_class_of_a_metric(sessions, fast_settings):
    metrics = [
        {"type": "SparseCategoricalAccuracy", "name": "wrong"},
        {"type": "SparseCategoricalCrossentropy", "name": "score"},
    ]
    claim = claim_new_job(sessions, training={"metrics": metrics})
    with start_reporter(sessions, claim, fast_settings) as reporter:
        for epoch, value in enumerate((0.5, 0.7, 0.3)):
            reporter.record_epoch(epoch, dict.fromkeys(("loss", "wrong", "val_wrong", "score"), value))
        reporter.end_attempt(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        best = {row.name: (row.best, row.best_epoch) for row in session.query(JobMetric)}
        maximized = metric_history.load_maximized_columns(session, claim.job_id)
    assert best == {"loss": (0.3, 2), "wrong": (0.7, 1), "val_wrong": (0.7, 1), "score": (0.3, 2)}
    assert maximized == {"wrong", "val_wrong"}


def test_no_checkpoint_is_wanted_before_it_is_due(sessions, fast_settings):
    with start_reporter(sessions, claim_new_job(sessions), fast_settings) as reporter:
        reporter.mark_started()
        assert not reporter.wants_checkpoint()


def test_epochs_are_recorded_once_if_flushes_and_checkpoints_overlap(sessions, fast_settings):
    claim = claim_new_job(sessions)
    with start_reporter(sessions, claim, fast_settings.model_copy(update={"flush_s": 0.001})) as reporter:
        reporter.mark_started()
        for number in range(100):
            reporter.record_epoch(number, {"loss": float(number)})
            if number % 3 == 0:
                reporter.save_checkpoint(build_snapshot(number + 1))
        reporter.end_attempt(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        assert metric_history.load_history(session, claim.job_id).metrics["loss"] == list(range(100))


@pytest.mark.parametrize("reason", [WorkerShutdown, JobPaused, TimeLimitReached])
def test_a_reason_to_stop_waits_for_a_checkpoint(sessions, fast_settings, reason):
    claim = claim_new_job(sessions, run={"time_limit_s": 100} if reason is TimeLimitReached else {})
    shutdown_signal = ShutdownSignal()
    spent_s = 99.7 if reason is TimeLimitReached else 0.0
    with start_reporter(sessions, replace(claim, spent_s=spent_s), fast_settings, shutdown_signal) as reporter:
        reporter.mark_started()
        reporter.record_epoch(0, {"loss": 1.0})
        if reason is WorkerShutdown:
            shutdown_signal.set()
        if reason is JobPaused:
            with sessions.begin() as session:
                controls.pause_job(session, claim.job_id)
        wait_for_checkpoint_request(reporter)
        reporter.check()
        with pytest.raises(reason) as raised:
            reporter.save_checkpoint(build_snapshot(1))
        reporter.end_attempt(raised.value.ending)
    with sessions.read() as session:
        job = queries.get_job(session, claim.job_id)
        assert session.get_one(Checkpoint, claim.job_id).epoch == job.epochs_done == 1
    assert (job.state, job.reason["code"]) == {
        WorkerShutdown: (JobState.QUEUED, "handed_back"),
        JobPaused: (JobState.PAUSED, "paused"),
        TimeLimitReached: (JobState.FAILED, "time_limit"),
    }[reason]
    assert job.spent_s >= spent_s


@pytest.mark.parametrize("reason", [WorkerShutdown, JobPaused])
def test_a_reason_to_stop_before_the_training_begins_stops_it_at_once(sessions, fast_settings, reason):
    claim = claim_new_job(sessions)
    shutdown_signal = ShutdownSignal()
    with start_reporter(sessions, claim, fast_settings, shutdown_signal) as reporter:
        if reason is WorkerShutdown:
            shutdown_signal.set()
        else:
            with sessions.begin() as session:
                controls.pause_job(session, claim.job_id)
        assert is_stopped(reporter, reason)


def test_a_job_that_is_resumed_before_its_checkpoint_trains_on(sessions, fast_settings):
    claim = claim_new_job(sessions)
    with start_reporter(sessions, claim, fast_settings) as reporter:
        reporter.mark_started()
        with sessions.begin() as session:
            controls.pause_job(session, claim.job_id)
        wait_for_checkpoint_request(reporter)
        with sessions.begin() as session:
            controls.resume_job(session, claim.job_id)
        wait_until(lambda: not reporter.wants_checkpoint())


def test_a_request_to_finish_reaches_the_training_and_the_next_attempt(sessions, fast_settings):
    claim = claim_new_job(sessions)
    with start_reporter(sessions, claim, fast_settings) as reporter:
        reporter.mark_started()
        reporter.record_epoch(0, {"loss": 1.0})
        assert not reporter.wants_finish(1)
        with sessions.begin() as session:
            controls.finish_job(session, claim.job_id)
        wait_until(lambda: reporter.wants_finish(1))
        assert not reporter.wants_checkpoint()
    with sessions.begin() as session:
        attempts.release_attempt(session, claim, WorkerShutdown.ending)
    again = claim_again(sessions)
    with start_reporter(sessions, again, fast_settings) as reporter:
        assert (reporter.wants_finish(0), reporter.wants_finish(1)) == (False, True)


def test_a_training_goes_on_if_the_disk_does_not_accept_a_checkpoint(sessions, fast_settings, monkeypatch):
    def raise_disk_full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    claim = claim_new_job(sessions)
    with start_reporter(sessions, claim, fast_settings.model_copy(update={"checkpoint_s": 0.05})) as reporter:
        reporter.mark_started()
        reporter.record_epoch(0, {"loss": 1.0})
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", raise_disk_full)
            reporter.save_checkpoint(build_snapshot(1))
        with sessions.read() as session:
            assert session.query(Checkpoint).count() == 0
        wait_for_checkpoint_request(reporter)
        reporter.save_checkpoint(build_snapshot(1))
        with sessions.read() as session:
            assert session.query(Checkpoint).count() == 1


HANGING_LEASE_S = 2
HANG = """
import threading, time
from service.jobs import attempts
from service.storage.artifact_store import ArtifactStore
from service.db.database import SessionFactory
from service.settings import Settings
from worker.runtime.shutdown_signal import ShutdownSignal
from worker.attempt.attempt_reporter import AttemptReporter
settings = Settings()
sessions = SessionFactory(settings.resolved_database_url)
with sessions.begin() as session:
    claim = attempts.claim_job(session, queue="cpu", worker="there:2", lease_s=settings.lease_s)
store = ArtifactStore(settings.data_dir)
shutdown_signal = ShutdownSignal()
shutdown_signal.start_listening()
with AttemptReporter(
    sessions, claim, settings, lease_start=time.monotonic(), store=store, shutdown_signal=shutdown_signal
) as reporter:
    reporter.mark_started()
    print(claim.job_id, flush=True)
    threading.Event().wait()
"""


@pytest.fixture
def start_hanging_process(sessions, fast_settings):
    """Start a process whose training thread hangs for good."""
    with ExitStack() as stack:
        yield lambda **variables: stack.enter_context(run_hanging_process(sessions, fast_settings, variables))


@pytest.fixture
def hanging_process(start_hanging_process):
    return start_hanging_process()


@contextmanager
def run_hanging_process(sessions, fast_settings, variables):
    submit_job(sessions)
    environment = os.environ | {
        "STACKYARD_DATABASE_URL": fast_settings.database_url,
        "STACKYARD_DATA_DIR": str(fast_settings.data_dir),
        "STACKYARD_FLUSH_S": "0.02",
        "STACKYARD_HEARTBEAT_S": "0.1",
        "STACKYARD_LEASE_S": str(HANGING_LEASE_S),
        "STACKYARD_CANCEL_GRACE_S": "0.3",
        **variables,
    }
    with subprocess.Popen([sys.executable, "-c", HANG], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        yield process
        process.kill()


def get_only_job(sessions):
    with sessions.read() as session:
        [job] = queries.list_jobs(session, queries.JobFilter(), limit=2, cursor=None).items
        return job


def test_a_training_that_ignores_a_cancellation_is_stopped_by_force(sessions, hanging_process):
    with sessions.begin() as session:
        controls.cancel_job(session, get_only_job(sessions).id)
    assert hanging_process.wait(20) == FORCED_STOP
    job = get_only_job(sessions)
    assert (job.state, job.reason["code"]) == (JobState.CANCELLED, "cancelled")


def test_a_training_that_ignores_a_shutdown_is_handed_back_by_force(sessions, hanging_process):
    hanging_process.send_signal(PARENT_SHUTDOWN)
    assert hanging_process.wait(20) == FORCED_STOP
    job = get_only_job(sessions)
    assert (job.state, job.reason["code"]) == (JobState.QUEUED, "handed_back")
    assert "by force" in job.reason["message"]


def test_a_training_without_progress_is_stopped_and_counts_as_crashed(sessions, start_hanging_process):
    hanging_process = start_hanging_process(STACKYARD_PROGRESS_S="1", STACKYARD_MAX_CRASHES="1")
    assert hanging_process.wait(20) == FORCED_STOP
    job = get_only_job(sessions)
    assert (job.state, job.reason["code"], job.crashes) == (JobState.FAILED, "crashed", 1)
    assert "nothing was heard" in job.reason["message"]


def test_a_process_that_resumes_after_its_lease_writes_nothing(sessions, hanging_process):
    hanging_process.send_signal(signal.SIGSTOP)
    wait_until(lambda: attempt_factories.recover_lost_attempts(sessions))
    new_claim = claim_again(sessions)
    hanging_process.send_signal(signal.SIGCONT)
    assert hanging_process.wait(20) == FORCED_STOP
    job = get_only_job(sessions)
    assert (job.state, job.attempt, job.worker) == (JobState.RUNNING, new_claim.attempt, "here:2")


def test_a_training_that_ignores_a_lost_lease_is_stopped_by_force(sessions, hanging_process):
    with sessions.begin() as session:
        controls.delete_job(session, get_only_job(sessions).id)
    assert hanging_process.wait(20) == FORCED_STOP


def test_a_worker_without_a_database_stops_before_its_lease_ends(sessions, hanging_process):
    """Another transaction locks the database for longer than the lease."""
    started = time.monotonic()
    release = threading.Event()

    def hold_lock():
        with sessions.begin() as session:
            session.execute(select(1))
            release.wait(20)

    holder = threading.Thread(target=hold_lock)
    holder.start()
    try:
        assert hanging_process.wait(20) == FORCED_STOP
        assert time.monotonic() - started < HANGING_LEASE_S + 1
    finally:
        release.set()
        holder.join()
