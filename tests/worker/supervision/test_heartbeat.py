"""Real workers come to the list and leave it, however they end."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.db.database import Sessions
from service.jobs import jobs
from service.queue import worker_registry
from service.queue.worker_registry import WorkerState
from service.settings import Settings
from tests.factories import registration, submit
from tests.waiting import until
from worker.supervision.heartbeat import Heartbeat

ROOT = Path(__file__).parents[3]
BRIEF = {"STACKYARD_LEASE_S": "2", "STACKYARD_HEARTBEAT_S": "0.3"}

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(broker_url, tmp_path) -> Iterator[Start]:
    """Starts a worker on a database, as `serve` does; ends what is left of it."""
    started: list[subprocess.Popen[str]] = []
    here = {"STACKYARD_BROKER_URL": broker_url, "STACKYARD_DATA_DIR": str(tmp_path)}

    def begin(url: str, **variables: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "celery", "--app", "worker.celery_app:app", "worker", "--concurrency", "1"]
        process = subprocess.Popen(
            [*command, "--without-mingle", "--without-gossip"],
            env=os.environ | here | {"STACKYARD_DATABASE_URL": url} | BRIEF | variables,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def states(sessions: Sessions) -> dict[int, WorkerState]:
    """The states of the workers on the list, by their process."""
    with sessions.read() as session:
        found = worker_registry.gather(session, worker_registry.find(session, limit=100, cursor=None).items)
    return {details.worker.pid: details.state for details in found}


def test_a_killed_worker_is_lost_once_it_has_been_silent(start, either_url, either_sessions):
    process = start(either_url)
    until(lambda: states(either_sessions) == {process.pid: WorkerState.SERVING})
    os.killpg(process.pid, signal.SIGKILL)
    until(lambda: states(either_sessions) == {process.pid: WorkerState.LOST})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT], ids=["warm", "cold"])
def test_a_worker_that_is_told_to_end_leaves_the_list(start, sqlite_url, sessions, number):
    process = start(sqlite_url)
    until(lambda: states(sessions) == {process.pid: WorkerState.SERVING})
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert states(sessions) == {}


def test_a_worker_that_still_trains_when_it_is_told_to_end_drains(start, sqlite_url, sessions):
    job = submit(sessions, training={"epochs": 100_000})
    process = start(sqlite_url)
    until(lambda: _epochs_done(sessions, job))
    os.kill(process.pid, signal.SIGTERM)
    until(lambda: states(sessions) == {process.pid: WorkerState.DRAINING})
    with sessions.begin() as session:
        jobs.cancel(session, job.id)
    process.communicate(timeout=60)
    assert states(sessions) == {}


def _epochs_done(sessions, job) -> int:
    with sessions.read() as session:
        return jobs.get(session, job.id).epochs_done


def test_a_gpu_worker_without_a_card_ends_and_says_so(start, sqlite_url, sessions):
    process = start(sqlite_url, STACKYARD_DEVICE="gpu", CUDA_VISIBLE_DEVICES="-1")
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "1 are wanted, and tensorflow finds 0 (none)" in output
    assert states(sessions) == {}


def test_a_worker_that_drains_says_so_at_once_until_it_has_ended(settings, sessions):
    heartbeat = Heartbeat(settings.model_copy(update={"heartbeat_s": 3600.0, "lease_s": 7200.0}), registration())
    heartbeat.start()
    until(lambda: states(sessions) == {7: WorkerState.SERVING})
    heartbeat.drain()
    until(lambda: states(sessions) == {7: WorkerState.DRAINING})
    heartbeat.stop()
    assert states(sessions) == {}
    heartbeat.stop()


def test_a_worker_whose_database_is_away_goes_on_trying(sqlite_template, tmp_path):
    database = tmp_path / "later" / "stackyard.db"
    settings = Settings(data_dir=tmp_path, database_url=f"sqlite:///{database}", heartbeat_s=0.05)
    heartbeat = Heartbeat(settings, registration())
    with capture_logs() as logged:
        heartbeat.start()
        until(lambda: logged)
    assert logged[0]["action"] == "heartbeat_failed"
    database.parent.mkdir()
    shutil.copy(sqlite_template, database)
    sessions = Sessions(settings.database)
    until(lambda: states(sessions) == {7: WorkerState.SERVING})
    heartbeat.stop()
    assert states(sessions) == {}
    sessions.dispose()
