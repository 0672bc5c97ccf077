"""The thread beside the training: what it writes, and when it stops the training, gently or by force."""

import os
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import select

from models import JobState
from service import attempts, history, jobs, recovery
from service.attempts import Conclusion
from service.errors import LeaseLost
from service.settings import Settings
from tests.factories import submit
from tests.waiting import until
from worker.reporter import Cancelled, Reporter


@pytest.fixture
def quick(settings) -> Settings:
    return settings.model_copy(update={"flush_s": 0.02, "heartbeat_s": 0.1, "lease_s": 2.0, "cancel_grace_s": 0.3})


def claim(sessions, lease_s=2.0):
    job = submit(sessions)
    with sessions.begin() as session:
        claimed = attempts.claim(session, queue="cpu", worker="here:1", lease_s=lease_s)
    assert claimed.job_id == job.id
    return claimed


def start(sessions, claimed, settings):
    return Reporter(sessions, claimed, settings, since=time.monotonic())


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
                return history.read(session, claimed.job_id).epochs == [0, 1]

        until(recorded)
        reporter.epoch(2, {"loss": 1.0, "accuracy": 0.3})
        reporter.conclude(Conclusion(JobState.SUCCEEDED))
    with sessions.read() as session:
        told = history.read(session, claimed.job_id)
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
        assert history.read(session, claimed.job_id).metrics["loss"] == list(range(300))


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
        assert len(history.read(session, claimed.job_id).epochs) == 200
    assert len(transactions) <= 10


def test_a_lease_is_renewed_for_as_long_as_it_takes(sessions, quick):
    claimed = claim(sessions, lease_s=1.0)
    with start(sessions, claimed, quick.model_copy(update={"lease_s": 1.0})):
        deadline = time.monotonic() + 2.5
        while time.monotonic() < deadline:
            with sessions.begin() as session:
                assert recovery.recover_lost_attempts(session, max_lost_attempts=3) == 0
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


HANGS = """
import threading, time
from service import attempts
from service.database import Sessions
from service.settings import Settings
from worker.reporter import Reporter
settings = Settings()
sessions = Sessions(settings.database)
with sessions.begin() as session:
    claimed = attempts.claim(session, queue="cpu", worker="there:2", lease_s=settings.lease_s)
with Reporter(sessions, claimed, settings, since=time.monotonic()):
    print(claimed.job_id, flush=True)
    threading.Event().wait()
"""


@pytest.fixture
def hanging(sessions, quick):
    """A process whose training thread never looks up again."""
    submit(sessions)
    environment = os.environ | {
        "STACKYARD_DATABASE_URL": quick.database_url,
        "STACKYARD_DATA_DIR": str(quick.data_dir),
        "STACKYARD_FLUSH_S": "0.02",
        "STACKYARD_HEARTBEAT_S": "0.1",
        "STACKYARD_LEASE_S": "2",
        "STACKYARD_CANCEL_GRACE_S": "0.3",
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


def test_a_training_that_lost_its_lease_and_does_not_stop_is_stopped_by_force(sessions, hanging):
    with sessions.begin() as session:
        jobs.remove(session, only_job(sessions).id)
    assert hanging.wait(20) == 75


def test_a_worker_without_a_database_stops_before_its_lease_ends(sessions, hanging, quick):
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
        assert time.monotonic() - started < quick.lease_s + 1
    finally:
        release.set()
        holder.join()
