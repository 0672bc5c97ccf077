"""What a worker's parent does about its children, with real processes and a real database."""

import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from sqlalchemy import select

from models import JobState
from service.db.ids import new_id
from service.jobs import attempts, jobs
from tests.factories import submit
from tests.waiting import until
from worker.runtime import memory
from worker.supervision.child_monitor import STOPPED_ITSELF, Children, Ended

WORKER = new_id()
TOLD = """
import signal, time
from worker.runtime.shutdown_signal import Notice
notice = Notice()
notice.listen()
print("ready", flush=True)
while not notice.given:
    time.sleep(0.01)
"""


@pytest.fixture
def quick(settings):
    return settings.model_copy(update={"heartbeat_s": 0.1, "lease_s": 0.5, "cancel_grace_s": 0.2})


@pytest.fixture
def child():
    """A process that does nothing until it is told to end."""
    with subprocess.Popen([sys.executable, "-c", TOLD], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def look_after():
    """Starts looking after some processes, of which some have a task; stops at the end."""
    started = []

    def start(settings, pids=(), busy=()):
        children = Children(settings, WORKER, pids=lambda: pids, busy=lambda: busy)
        children.start()
        started.append(children)
        return children

    yield start
    for children in started:
        children.stop()


def claim(sessions, pid):
    """A job that a child of the worker has."""
    job = submit(sessions)
    with sessions.begin() as session:
        holder = {"worker": f"{socket.gethostname()}:{pid}", "worker_id": WORKER}
        attempts.claim(session, queue="cpu", lease_s=3600.0, **holder)
    return job.id


def until_not_running(sessions, job_id):
    def look():
        with sessions.read() as session:
            job = jobs.get(session, job_id)
        return job if job.state is not JobState.RUNNING else None

    return until(look)


@pytest.mark.parametrize(
    ("status", "for_memory", "what"),
    [
        (-signal.SIGSEGV, False, "its process was killed by SIGSEGV"),
        (-signal.SIGSEGV, True, "its process was killed by SIGSEGV"),
        (-signal.SIGKILL, False, "its process was killed by SIGKILL"),
        (-signal.SIGKILL, True, "its process was killed by SIGKILL for want of memory"),
        (-63, False, "its process was killed by signal 63"),
        (1, False, "its process ended with status 1"),
        (0, False, "its process ended with status 0"),
    ],
)
def test_how_a_process_ended_is_said_in_words(status, for_memory, what):
    assert Ended(1, status, for_memory=for_memory, at=0.0).crash.what == what


@pytest.mark.parametrize("status", [STOPPED_ITSELF, signal.SIGTERM, -signal.SIGTERM])
def test_a_process_that_stopped_itself_or_was_told_to_has_not_crashed(status):
    assert Ended(1, status, for_memory=False, at=0.0).crash is None


def test_the_attempt_of_a_child_that_died_ends_long_before_its_lease(sessions, settings, look_after):
    job_id = claim(sessions, 4711)
    look_after(settings).ended(4711, -signal.SIGABRT)
    job = until_not_running(sessions, job_id)
    assert (job.state, job.reason["code"], job.reason["signal"]) == (JobState.QUEUED, "attempt_crashed", "SIGABRT")


def test_a_death_is_told_once_the_database_answers(sessions, settings, look_after):
    job_id, release = claim(sessions, 4711), threading.Event()

    def hold():
        with sessions.begin() as session:
            session.execute(select(1))
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    look_after(settings).ended(4711, -signal.SIGKILL)
    release.set()
    holder.join()
    assert until_not_running(sessions, job_id).reason["signal"] == "SIGKILL"


def test_what_the_kernel_killed_for_memory_says_so(sessions, settings, look_after, monkeypatch):
    job_id = claim(sessions, 4711)
    children = look_after(settings)
    kills = memory.oom_kills()
    monkeypatch.setattr(memory, "oom_kills", lambda: kills + 1)
    children.ended(4711, -signal.SIGKILL)
    reason = until_not_running(sessions, job_id).reason
    assert "for want of memory" in reason["message"]
    assert reason["estimate"] > 0


def test_where_celery_kills_its_children_no_job_has_crashed(sessions, settings, look_after):
    job_id = claim(sessions, 4711)
    children = look_after(settings)
    children.end(hard=True)
    children.ended(4711, -signal.SIGKILL)
    assert until_not_running(sessions, job_id).reason["code"] == "attempt_lost"


def test_children_are_told_that_the_worker_is_to_end(settings, look_after, child):
    look_after(settings, pids=[child.pid], busy=[child.pid]).end(hard=False)
    assert child.wait(20) == 0


def test_a_child_that_is_beyond_hearing_of_a_cancel_is_killed(sessions, quick, look_after, child):
    job_id = claim(sessions, child.pid)
    child.send_signal(signal.SIGSTOP)
    with sessions.begin() as session:
        jobs.cancel(session, job_id)
    children = look_after(quick, pids=[child.pid], busy=[child.pid])
    assert child.wait(20) == -signal.SIGKILL
    children.ended(child.pid, -signal.SIGKILL)
    assert until_not_running(sessions, job_id).state is JobState.CANCELLED


def test_a_child_whose_attempt_is_over_and_that_does_not_end_is_killed(quick, look_after, child):
    child.send_signal(signal.SIGSTOP)
    look_after(quick, pids=[child.pid], busy=[child.pid])
    assert child.wait(20) == -signal.SIGKILL


def test_the_peak_of_memory_is_this_process_since_it_was_forgotten():
    memory.forget_peak()
    before = memory.peak()
    block = bytearray(os.urandom(1) * (64 << 20))
    assert memory.peak() >= before + (60 << 20)
    del block
    memory.forget_peak()
    assert memory.peak() < before + (60 << 20)
