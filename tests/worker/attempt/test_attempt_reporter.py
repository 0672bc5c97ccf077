"""The thread beside the training: what it writes, and when it stops the training, gently or by force."""

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
from service.db.database import now
from service.errors import LeaseLost
from service.history import metric_history
from service.jobs import attempts, jobs
from service.jobs.attempts import Conclusion
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore
from tests import runs
from tests.factories import submit
from tests.waiting import until
from worker.attempt import checkpoint_file
from worker.attempt.attempt_reporter import Reporter
from worker.attempt.stop_reasons import Cancelled, HandedBack, OutOfTime, Paused
from worker.engine import Snapshot
from worker.runtime.shutdown_signal import PASSED_ON, Notice


@pytest.fixture
def quick(settings) -> Settings:
    """Patient where a reporter ends its process, which here is pytest's: a busy machine must not make it do so."""
    return settings.model_copy(update={"flush_s": 0.02, "heartbeat_s": 0.1, "lease_s": 300.0, "cancel_grace_s": 300.0})


def claim(sessions, lease_s=300.0, **changes):
    job = submit(sessions, **changes)
    with sessions.begin() as session:
        claimed = attempts.claim(session, queue="cpu", worker="here:1", lease_s=lease_s)
    assert claimed.job_id == job.id
    return claimed


def start(sessions, claimed, settings, notice=None, since=None):
    store = ArtifactStore(settings.data_dir)
    since = time.monotonic() if since is None else since
    return Reporter(sessions, claimed, settings, since=since, store=store, notice=notice or Notice())


def snapshot(epoch, step=0):
    return Snapshot(epoch, step, {"weights": np.arange(4.0)}, {}, stopped=False)


def again(sessions):
    """The next attempt at the one job."""
    with sessions.begin() as session:
        return attempts.claim(session, queue="cpu", worker="here:2", lease_s=30.0)


def wants(reporter):
    """Go on as a training does, until a checkpoint is wanted."""
    return until(reporter.wants_checkpoint)


def stops(reporter, error, within=10.0):
    """Go on as a training does, until the reporter stops it."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            reporter.check()
        except error:
            return True
        time.sleep(0.005)
    return False


def test_epochs_appear_while_the_training_goes_on(sessions, quick):
    claimed = claim(sessions)
    with start(sessions, claimed, quick) as reporter:
        reporter.epoch(0, {"loss": 2.0, "accuracy": 0.4})
        reporter.epoch(1, {"loss": 3.0, "accuracy": 0.5})

        def recorded():
            with sessions.read() as session:
                return metric_history.read(session, claimed.job_id).epochs == [0, 1]

        until(recorded)
        reporter.epoch(2, {"loss": 1.0, "accuracy": 0.3})
        reporter.conclude(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        told = metric_history.read(session, claimed.job_id)
        assert told.metrics == {"loss": [2.0, 3.0, 1.0], "accuracy": [0.4, 0.5, 0.3]}
        assert jobs.get(session, claimed.job_id).epochs_done == 3


def test_epochs_that_end_while_others_are_written_are_recorded_too(sessions, quick):
    claimed = claim(sessions)
    with start(sessions, claimed, quick.model_copy(update={"flush_s": 0.005})) as reporter:
        for number in range(300):
            reporter.epoch(number, {"loss": float(number)})
            time.sleep(0.002)
        reporter.conclude(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        assert metric_history.read(session, claimed.job_id).metrics["loss"] == list(range(300))


def test_many_short_epochs_are_few_transactions(sessions, quick, monkeypatch):
    transactions = []
    real = attempts.record_epochs
    monkeypatch.setattr(attempts, "record_epochs", lambda *args: (transactions.append(1), real(*args)))
    claimed = claim(sessions)
    with start(sessions, claimed, quick.model_copy(update={"flush_s": 0.5})) as reporter:
        for number in range(200):
            reporter.epoch(number, {"loss": 1.0})
        reporter.conclude(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        assert len(metric_history.read(session, claimed.job_id).epochs) == 200
    assert len(transactions) <= 10


def test_a_lease_is_renewed_for_as_long_as_it_takes(sessions, quick):
    claimed = claim(sessions, lease_s=3.0)
    with start(sessions, claimed, quick.model_copy(update={"lease_s": 3.0})):
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            assert runs.recover(sessions) == 0
            time.sleep(0.1)


def test_a_cancelled_training_is_told_to_stop(sessions, quick):
    claimed = claim(sessions)
    with start(sessions, claimed, quick) as reporter:
        with sessions.begin() as session:
            jobs.cancel(session, claimed.job_id)
        assert stops(reporter, Cancelled)
        reporter.conclude(Conclusion(JobState.CANCELLED))


def test_a_training_whose_job_was_deleted_is_told_to_stop(sessions, quick):
    claimed = claim(sessions)
    with start(sessions, claimed, quick) as reporter:
        with sessions.begin() as session:
            jobs.remove(session, claimed.job_id)
        assert stops(reporter, LeaseLost)
        with pytest.raises(LeaseLost):
            reporter.conclude(Conclusion(JobState.SUCCEEDED))


def test_a_checkpoint_comes_with_its_epochs_and_the_next_attempt_goes_on_from_there(sessions, quick):
    claimed = claim(sessions)
    with start(sessions, claimed, quick.model_copy(update={"flush_s": 3600.0, "checkpoint_s": 0.05})) as reporter:
        reporter.begin()
        reporter.epoch(0, {"loss": 2.0})
        reporter.epoch(1, {"loss": 1.0})
        wants(reporter)
        reporter.checkpoint(snapshot(2, 3))
        reporter.epoch(2, {"loss": 0.5})
        reporter._closing.set()
    with sessions.begin() as session:
        session.get_one(Job, claimed.job_id).lease_until = now(session) - timedelta(seconds=1)
    assert runs.recover(sessions) == 1

    second = again(sessions)
    with start(sessions, second, quick) as reporter:
        path = ArtifactStore(quick.data_dir).path(second.checkpoint.sha256)
        read = checkpoint_file.read(path, job_id=claimed.job_id)
        assert (read.epoch, read.step, read.state["weights"].tolist()) == (2, 3, [0.0, 1.0, 2.0, 3.0])
        reporter.begin()
        reporter.epoch(2, {"loss": 3.0})
        reporter.conclude(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        assert metric_history.read(session, claimed.job_id).metrics == {"loss": [2.0, 1.0, 3.0]}
        assert session.get_one(JobMetric, (claimed.job_id, "loss")).best == 1.0, "of the attempt before"
        assert session.query(Checkpoint).count() == 0


def test_no_checkpoint_is_wanted_before_its_time(sessions, quick):
    with start(sessions, claim(sessions), quick) as reporter:
        reporter.begin()
        assert not reporter.wants_checkpoint()


def test_epochs_that_are_flushed_beside_checkpoints_are_recorded_once(sessions, quick):
    claimed = claim(sessions)
    with start(sessions, claimed, quick.model_copy(update={"flush_s": 0.001})) as reporter:
        reporter.begin()
        for number in range(100):
            reporter.epoch(number, {"loss": float(number)})
            if number % 3 == 0:
                reporter.checkpoint(snapshot(number + 1))
        reporter.conclude(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        assert metric_history.read(session, claimed.job_id).metrics["loss"] == list(range(100))


@pytest.mark.parametrize("stop", [HandedBack, Paused, OutOfTime])
def test_what_wants_a_training_to_stop_waits_for_a_checkpoint(sessions, quick, stop):
    claimed = claim(sessions, run={"time_limit_s": 100} if stop is OutOfTime else {})
    notice = Notice()
    spent_s = 99.7 if stop is OutOfTime else 0.0
    with start(sessions, replace(claimed, spent_s=spent_s), quick, notice) as reporter:
        reporter.begin()
        reporter.epoch(0, {"loss": 1.0})
        if stop is HandedBack:
            notice.give()
        if stop is Paused:
            with sessions.begin() as session:
                jobs.pause(session, claimed.job_id)
        wants(reporter)
        reporter.check()
        with pytest.raises(stop) as raised:
            reporter.checkpoint(snapshot(1))
        reporter.conclude(raised.value.ending)
    with sessions.read() as session:
        job = jobs.get(session, claimed.job_id)
        assert session.get_one(Checkpoint, claimed.job_id).epoch == job.epochs_done == 1
    assert (job.state, job.reason["code"]) == {
        HandedBack: (JobState.QUEUED, "handed_back"),
        Paused: (JobState.PAUSED, "paused"),
        OutOfTime: (JobState.FAILED, "time_limit"),
    }[stop]
    assert job.spent_s >= spent_s


@pytest.mark.parametrize("stop", [HandedBack, Paused])
def test_what_wants_a_training_to_stop_before_it_begins_does_so_at_once(sessions, quick, stop):
    claimed = claim(sessions)
    notice = Notice()
    with start(sessions, claimed, quick, notice) as reporter:
        if stop is HandedBack:
            notice.give()
        else:
            with sessions.begin() as session:
                jobs.pause(session, claimed.job_id)
        assert stops(reporter, stop)


def test_a_pause_that_is_taken_back_in_time_is_none(sessions, quick):
    claimed = claim(sessions)
    with start(sessions, claimed, quick) as reporter:
        reporter.begin()
        with sessions.begin() as session:
            jobs.pause(session, claimed.job_id)
        wants(reporter)
        with sessions.begin() as session:
            jobs.resume(session, claimed.job_id)
        until(lambda: not reporter.wants_checkpoint())


def test_a_disk_that_does_not_take_a_checkpoint_does_not_end_the_training(sessions, quick, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    claimed = claim(sessions)
    with start(sessions, claimed, quick.model_copy(update={"checkpoint_s": 0.05})) as reporter:
        reporter.begin()
        reporter.epoch(0, {"loss": 1.0})
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            reporter.checkpoint(snapshot(1))
        with sessions.read() as session:
            assert session.query(Checkpoint).count() == 0
        wants(reporter)
        reporter.checkpoint(snapshot(1))
        with sessions.read() as session:
            assert session.query(Checkpoint).count() == 1


HANGS_LEASE_S = 2
HANGS = """
import threading, time
from service import attempts
from service.storage.artifact_store import ArtifactStore
from service.db.database import Sessions
from service.settings import Settings
from worker.runtime.shutdown_signal import Notice
from worker.attempt.attempt_reporter import Reporter
settings = Settings()
sessions = Sessions(settings.database)
with sessions.begin() as session:
    claimed = attempts.claim(session, queue="cpu", worker="there:2", lease_s=settings.lease_s)
store = ArtifactStore(settings.data_dir)
notice = Notice()
notice.listen()
with Reporter(sessions, claimed, settings, since=time.monotonic(), store=store, notice=notice) as reporter:
    reporter.begin()
    print(claimed.job_id, flush=True)
    threading.Event().wait()
"""


@pytest.fixture
def hang(sessions, quick):
    """Starts a process whose training thread never looks up again."""
    with ExitStack() as stack:
        yield lambda **variables: stack.enter_context(_hanging(sessions, quick, variables))


@pytest.fixture
def hanging(hang):
    return hang()


@contextmanager
def _hanging(sessions, quick, variables):
    submit(sessions)
    environment = os.environ | {
        "STACKYARD_DATABASE_URL": quick.database_url,
        "STACKYARD_DATA_DIR": str(quick.data_dir),
        "STACKYARD_FLUSH_S": "0.02",
        "STACKYARD_HEARTBEAT_S": "0.1",
        "STACKYARD_LEASE_S": str(HANGS_LEASE_S),
        "STACKYARD_CANCEL_GRACE_S": "0.3",
        **variables,
    }
    with subprocess.Popen([sys.executable, "-c", HANGS], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        yield process
        process.kill()


def only_job(sessions):
    with sessions.read() as session:
        [job] = jobs.find(session, jobs.JobFilter(), limit=2, cursor=None).items
        return job


def test_a_training_that_does_not_stop_when_cancelled_is_stopped_by_force(sessions, hanging):
    with sessions.begin() as session:
        jobs.cancel(session, only_job(sessions).id)
    assert hanging.wait(20) == 75
    job = only_job(sessions)
    assert (job.state, job.reason["code"]) == (JobState.CANCELLED, "cancelled")


def test_a_training_that_does_not_come_to_be_handed_back_is_handed_back_by_force(sessions, hanging):
    hanging.send_signal(PASSED_ON)
    assert hanging.wait(20) == 75
    job = only_job(sessions)
    assert (job.state, job.reason["code"]) == (JobState.QUEUED, "handed_back")
    assert "by force" in job.reason["message"]


def test_a_training_that_renews_and_makes_no_progress_is_stopped_and_has_crashed(sessions, hang):
    hanging = hang(STACKYARD_PROGRESS_S="1", STACKYARD_MAX_CRASHES="1")
    assert hanging.wait(20) == 75
    job = only_job(sessions)
    assert (job.state, job.reason["code"], job.crashes) == (JobState.FAILED, "crashed", 1)
    assert "nothing was heard" in job.reason["message"]


def test_a_stopped_process_that_goes_on_after_its_lease_writes_nothing(sessions, hanging):
    hanging.send_signal(signal.SIGSTOP)
    until(lambda: runs.recover(sessions))
    fresh = again(sessions)
    hanging.send_signal(signal.SIGCONT)
    assert hanging.wait(20) == 75
    job = only_job(sessions)
    assert (job.state, job.attempt, job.worker) == (JobState.RUNNING, fresh.attempt, "here:2")


def test_a_training_that_lost_its_lease_and_does_not_stop_is_stopped_by_force(sessions, hanging):
    with sessions.begin() as session:
        jobs.remove(session, only_job(sessions).id)
    assert hanging.wait(20) == 75


def test_a_worker_without_a_database_stops_before_its_lease_ends(sessions, hanging):
    """The database is locked by somebody else for longer than the lease."""
    started = time.monotonic()
    release = threading.Event()

    def hold():
        with sessions.begin() as session:
            session.execute(select(1))
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert hanging.wait(20) == 75
        assert time.monotonic() - started < HANGS_LEASE_S + 1
    finally:
        release.set()
        holder.join()
