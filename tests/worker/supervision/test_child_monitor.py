"""What a worker's parent does about its children, with real processes and a real database."""

import signal
import socket
import subprocess
import sys
import threading

import pytest
from sqlalchemy import select

from models import JobState
from service.db.ids import new_id
from service.jobs import attempts, controls, queries
from tests.factories import submit_job
from tests.polling import wait_until
from worker.runtime import memory
from worker.runtime.exit_codes import FORCED_STOP, REPLACED
from worker.runtime.memory_limits import MIN_HEADROOM
from worker.supervision.child_monitor import ChildExit, ChildMonitor, MemoryUse

WORKER_ID = new_id()
WAIT_FOR_SHUTDOWN = """
import signal, time
from worker.runtime.shutdown_signal import ShutdownSignal
shutdown_signal = ShutdownSignal()
shutdown_signal.start_listening()
print("ready", flush=True)
while not shutdown_signal.is_set:
    time.sleep(0.01)
"""


@pytest.fixture
def impatient_settings(settings):
    return settings.model_copy(update={"heartbeat_s": 0.1, "lease_s": 0.5, "cancel_grace_s": 0.2})


@pytest.fixture
def child():
    """A process that does nothing until it is told to shut down."""
    with subprocess.Popen([sys.executable, "-c", WAIT_FOR_SHUTDOWN], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def start_monitor():
    """Start a monitor of some processes, of which some run a task; stop it after the test."""
    monitors = []

    def start_monitor(settings, children=(), busy_children=()):
        monitor = ChildMonitor(
            settings, WORKER_ID, list_children=lambda: children, list_busy_children=lambda: busy_children
        )
        monitor.start()
        monitors.append(monitor)
        return monitor

    yield start_monitor
    for monitor in monitors:
        monitor.stop()


def claim_job(sessions, pid):
    """Return the id of a job that a child of the worker runs."""
    job = submit_job(sessions)
    with sessions.begin() as session:
        holder = {"worker": f"{socket.gethostname()}:{pid}", "worker_id": WORKER_ID}
        attempts.claim_job(session, queue="cpu", lease_s=3600.0, **holder)
    return job.id


def wait_for_attempt_end(sessions, job_id):
    def get_ended_job():
        with sessions.read() as session:
            job = queries.get_job(session, job_id)
        return job if job.state is not JobState.RUNNING else None

    return wait_until(get_ended_job)


@pytest.mark.parametrize(
    ("status", "after_oom_kill", "description"),
    [
        (-signal.SIGSEGV, False, "its process was killed by SIGSEGV"),
        (-signal.SIGSEGV, True, "its process was killed by SIGSEGV"),
        (-signal.SIGKILL, False, "its process was killed by SIGKILL"),
        (-signal.SIGKILL, True, "its process was killed by SIGKILL because memory ran out"),
        (-63, False, "its process was killed by signal 63"),
        (1, False, "its process ended with status 1"),
        (0, False, "its process ended with status 0"),
    ],
)
def test_a_crash_describes_how_the_process_ended(status, after_oom_kill, description):
    assert ChildExit(1, status, after_oom_kill=after_oom_kill, noticed_at=0.0).crash.description == description


@pytest.mark.parametrize("status", [-signal.SIGABRT, -signal.SIGSEGV])
def test_a_child_that_is_aborted_near_its_limit_of_memory_has_exceeded_it(status):
    def describe(peak):
        memory_use = MemoryUse(peak, limit=1000)
        return ChildExit(1, status, after_oom_kill=False, noticed_at=0.0, memory_use=memory_use).crash

    assert describe(900).exceeded_limit
    assert describe(900).is_out_of_memory
    assert not describe(500).exceeded_limit


LIMITED = """
import sys, time
from worker.runtime.memory_limits import limit_memory
limit = limit_memory(1)
held = bytearray(int(sys.argv[1]))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("size", "state"), [(2**20, JobState.QUEUED), (9 * MIN_HEADROOM // 10, JobState.FAILED)])
def test_the_monitor_knows_the_memory_of_a_child_that_died(sessions, settings, start_monitor, size, state):
    with subprocess.Popen([sys.executable, "-c", LIMITED, str(size)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        job_id = claim_job(sessions, process.pid)
        monitor = start_monitor(settings, busy_children=[process.pid])
        wait_until(lambda: process.pid in monitor.memory_uses)
        process.send_signal(signal.SIGABRT)
        monitor.record_exit(process.pid, process.wait())
    job = wait_for_attempt_end(sessions, job_id)
    assert job.state is state
    assert job.reason["code"] == ("out_of_memory" if state is JobState.FAILED else "attempt_crashed")
    if state is JobState.FAILED:
        assert job.reason["peak_memory"] > size
        assert f"{job.reason['peak_memory']:,}" in job.reason["message"]


@pytest.mark.parametrize("status", [FORCED_STOP, REPLACED, signal.SIGTERM, -signal.SIGTERM])
def test_a_process_that_stopped_itself_or_got_sigterm_has_not_crashed(status):
    assert ChildExit(1, status, after_oom_kill=False, noticed_at=0.0).crash is None


def test_the_attempt_of_a_child_that_died_ends_long_before_its_lease(sessions, settings, start_monitor):
    job_id = claim_job(sessions, 4711)
    start_monitor(settings).record_exit(4711, -signal.SIGABRT)
    job = wait_for_attempt_end(sessions, job_id)
    assert (job.state, job.reason["code"], job.reason["signal"]) == (JobState.QUEUED, "attempt_crashed", "SIGABRT")


def test_an_exit_is_recorded_once_the_database_answers(sessions, settings, start_monitor):
    job_id, release = claim_job(sessions, 4711), threading.Event()

    def hold_lock():
        with sessions.begin() as session:
            session.execute(select(1))
            release.wait(20)

    holder = threading.Thread(target=hold_lock)
    holder.start()
    start_monitor(settings).record_exit(4711, -signal.SIGKILL)
    release.set()
    holder.join()
    assert wait_for_attempt_end(sessions, job_id).reason["signal"] == "SIGKILL"


def test_a_crash_reports_that_the_kernel_killed_the_process_for_memory(sessions, settings, start_monitor, monkeypatch):
    job_id = claim_job(sessions, 4711)
    monitor = start_monitor(settings)
    count = memory.count_oom_kills()
    monkeypatch.setattr(memory, "count_oom_kills", lambda: count + 1)
    monitor.record_exit(4711, -signal.SIGKILL)
    reason = wait_for_attempt_end(sessions, job_id).reason
    assert "because memory ran out" in reason["message"]
    assert reason["estimate"] > 0


def test_no_job_has_crashed_if_celery_kills_the_children(sessions, settings, start_monitor):
    job_id = claim_job(sessions, 4711)
    monitor = start_monitor(settings)
    monitor.shut_down(is_cold=True)
    monitor.record_exit(4711, -signal.SIGKILL)
    assert wait_for_attempt_end(sessions, job_id).reason["code"] == "attempt_lost"


def test_children_are_told_that_the_worker_shuts_down(settings, start_monitor, child):
    start_monitor(settings, children=[child.pid], busy_children=[child.pid]).shut_down(is_cold=False)
    assert child.wait(20) == 0


def test_a_child_that_does_not_react_to_a_cancellation_is_killed(sessions, impatient_settings, start_monitor, child):
    job_id = claim_job(sessions, child.pid)
    child.send_signal(signal.SIGSTOP)
    with sessions.begin() as session:
        controls.cancel_job(session, job_id)
    monitor = start_monitor(impatient_settings, children=[child.pid], busy_children=[child.pid])
    assert child.wait(20) == -signal.SIGKILL
    monitor.record_exit(child.pid, -signal.SIGKILL)
    assert wait_for_attempt_end(sessions, job_id).state is JobState.CANCELLED


def test_a_child_that_does_not_end_after_its_attempt_is_killed(impatient_settings, start_monitor, child):
    child.send_signal(signal.SIGSTOP)
    start_monitor(impatient_settings, children=[child.pid], busy_children=[child.pid])
    assert child.wait(20) == -signal.SIGKILL
