"""Real workers enter the registry and leave it, however they end."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.db.database import SessionFactory
from service.jobs import controls, queries
from service.queue import worker_registry
from service.queue.worker_registry import WorkerState
from service.settings import Settings
from tests.factories import build_registration, submit_job
from tests.polling import wait_until
from worker.supervision.heartbeat import Heartbeat

ROOT = Path(__file__).parents[3]
SHORT_INTERVALS = {"STACKYARD_LEASE_S": "2", "STACKYARD_HEARTBEAT_S": "0.3"}

StartWorker = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_worker(broker_url, tmp_path) -> Iterator[StartWorker]:
    """Start a worker on a database, as `serve` does; kill it after the test if it still runs."""
    processes: list[subprocess.Popen[str]] = []
    environment = {"STACKYARD_BROKER_URL": broker_url, "STACKYARD_DATA_DIR": str(tmp_path)}

    def start_worker(url: str, **variables: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "celery", "--app", "worker.celery_app:app", "worker", "--concurrency", "1"]
        process = subprocess.Popen(
            [*command, "--without-mingle", "--without-gossip"],
            env=os.environ | environment | {"STACKYARD_DATABASE_URL": url} | SHORT_INTERVALS | variables,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start_worker
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def get_worker_states(sessions: SessionFactory) -> dict[int, WorkerState]:
    """Return the states of the registered workers by process id."""
    with sessions.read() as session:
        workers = worker_registry.load_worker_details(
            session, worker_registry.list_workers(session, limit=100, cursor=None).items
        )
    return {details.worker.pid: details.state for details in workers}


def test_a_killed_worker_is_lost_once_its_heartbeats_are_overdue(start_worker, either_url, either_sessions):
    process = start_worker(either_url)
    wait_until(lambda: get_worker_states(either_sessions) == {process.pid: WorkerState.SERVING})
    os.killpg(process.pid, signal.SIGKILL)
    wait_until(lambda: get_worker_states(either_sessions) == {process.pid: WorkerState.LOST})


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT], ids=["warm", "cold"])
def test_a_worker_that_shuts_down_leaves_the_registry(start_worker, sqlite_url, sessions, number):
    process = start_worker(sqlite_url)
    wait_until(lambda: get_worker_states(sessions) == {process.pid: WorkerState.SERVING})
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert get_worker_states(sessions) == {}


@pytest.mark.exhaustive
def test_a_worker_that_shuts_down_during_a_training_is_draining(start_worker, sqlite_url, sessions):
    job = submit_job(sessions, training={"epochs": 100_000})
    process = start_worker(sqlite_url)
    wait_until(lambda: _count_epochs(sessions, job))
    os.kill(process.pid, signal.SIGTERM)
    wait_until(lambda: get_worker_states(sessions) == {process.pid: WorkerState.DRAINING})
    with sessions.begin() as session:
        controls.cancel_job(session, job.id)
    process.communicate(timeout=60)
    assert get_worker_states(sessions) == {}


def _count_epochs(sessions, job) -> int:
    with sessions.read() as session:
        return queries.get_job(session, job.id).epochs_done


@pytest.mark.exhaustive
def test_a_gpu_worker_without_a_gpu_exits_with_a_message(start_worker, sqlite_url, sessions):
    process = start_worker(sqlite_url, STACKYARD_DEVICE="gpu", CUDA_VISIBLE_DEVICES="-1")
    output, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "expected at least 1, and tensorflow finds 0 (none)" in output
    assert get_worker_states(sessions) == {}


def test_a_worker_reports_at_once_that_it_drains(settings, sessions):
    heartbeat = Heartbeat(settings.model_copy(update={"heartbeat_s": 3600.0, "lease_s": 7200.0}), build_registration())
    heartbeat.start()
    wait_until(lambda: get_worker_states(sessions) == {7: WorkerState.SERVING})
    heartbeat.drain()
    wait_until(lambda: get_worker_states(sessions) == {7: WorkerState.DRAINING})
    heartbeat.stop()
    assert get_worker_states(sessions) == {}
    heartbeat.stop()


def test_a_worker_retries_while_its_database_is_unavailable(sqlite_template, tmp_path):
    database = tmp_path / "later" / "stackyard.db"
    settings = Settings(data_dir=tmp_path, database_url=f"sqlite:///{database}", heartbeat_s=0.05)
    heartbeat = Heartbeat(settings, build_registration())
    with capture_logs() as logged:
        heartbeat.start()
        wait_until(lambda: logged)
    assert logged[0]["action"] == "heartbeat_failed"
    database.parent.mkdir()
    shutil.copy(sqlite_template, database)
    sessions = SessionFactory(settings.resolved_database_url)
    wait_until(lambda: get_worker_states(sessions) == {7: WorkerState.SERVING})
    heartbeat.stop()
    assert get_worker_states(sessions) == {}
    sessions.dispose()
