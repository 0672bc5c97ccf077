"""A child chooses its backend by the queue when it starts, and replaces the record of a process that has ended."""

import os
import socket
import subprocess
import sys

import pytest

from models import Backend
from service.db.database import SessionFactory
from service.queue import child_registry, worker_registry
from service.queue.child_registry import ChildProcess, FreeChildren
from tests.factories import build_registration, record_heartbeat, submit_job
from worker.child_registration import ChildRegistration


@pytest.fixture
def worker(either_sessions):
    return record_heartbeat(either_sessions, build_registration(host=socket.gethostname()))


@pytest.fixture
def registration(either_sessions, worker):
    return ChildRegistration(either_sessions, build_child(worker, os.getpid()), "cpu")


@pytest.fixture
def ended_pid():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def build_child(worker, pid):
    return ChildProcess(worker.id, f"{socket.gethostname()}:{pid}")


def count_free(sessions, worker):
    with sessions.read() as session:
        return child_registry.count_free_children(session, "cpu", worker.id)


@pytest.mark.parametrize(("default", "expected"), [("auto", Backend.JAX), ("tensorflow", Backend.TENSORFLOW)])
def test_a_child_of_an_empty_queue_takes_the_default(registration, default, expected):
    assert registration.choose_backend(default) is expected


def test_a_child_takes_the_backend_of_the_waiting_job_and_is_free_once_it_is_ready(
    either_sessions, worker, registration, wake_ups
):
    submit_job(either_sessions, run={"backend": "tensorflow"})
    assert registration.choose_backend("auto") is Backend.TENSORFLOW
    assert count_free(either_sessions, worker)[Backend.TENSORFLOW] == FreeChildren(loading=1)
    registration.record_ready(Backend.TENSORFLOW, wake_ups)
    assert count_free(either_sessions, worker)[Backend.TENSORFLOW] == FreeChildren(ready=1)
    assert wake_ups.count_pending("cpu") == 1


def test_a_child_that_died_after_it_made_way_is_replaced_by_the_next_one(
    either_sessions, worker, registration, ended_pid
):
    """Whatever the process had recorded: its successor reads the queue anew, and removes the record."""
    submit_job(either_sessions, run={"backend": "tensorflow"})
    with either_sessions.begin() as session:
        child_registry.record_child(session, build_child(worker, ended_pid), Backend.TENSORFLOW, ready=False)
    assert registration.choose_backend("auto") is Backend.TENSORFLOW
    with either_sessions.read() as session:
        assert child_registry.list_processes(session, worker.id) == [build_child(worker, os.getpid()).process]


def test_a_child_leaves_a_waiting_job_to_another_free_child(either_sessions, worker, registration):
    submit_job(either_sessions, run={"backend": "tensorflow"})
    with either_sessions.begin() as session:
        child_registry.record_child(session, build_child(worker, os.getppid()), Backend.TENSORFLOW, ready=True)
    assert registration.choose_backend("auto") is Backend.JAX


def test_a_child_starts_without_a_database(tmp_path, worker, wake_ups):
    sessions = SessionFactory(f"sqlite:///{tmp_path}/absent/none.db")
    registration = ChildRegistration(sessions, build_child(worker, os.getpid()), "cpu")
    assert registration.choose_backend("auto") is Backend.JAX
    registration.record_ready(Backend.JAX, wake_ups)


def test_the_records_of_a_worker_end_with_it(either_sessions, worker, registration):
    registration.choose_backend("auto")
    with either_sessions.begin() as session:
        worker_registry.remove_worker(session, worker)
    with either_sessions.read() as session:
        assert child_registry.list_processes(session, worker.id) == []
