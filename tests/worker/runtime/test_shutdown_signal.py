"""How a child learns that it is to shut down. Each test needs a process of its own, because it receives signals."""

import os
import signal
import subprocess
import sys

import pytest

from worker.runtime.shutdown_signal import PARENT_SHUTDOWN

COMPUTE = """
import hashlib, os, signal, sys, threading, time
from worker.runtime.shutdown_signal import ShutdownSignal
shutdown_signal = ShutdownSignal()
shutdown_signal.start_listening()

def exit_on_shutdown():
    while not shutdown_signal.is_set:
        time.sleep(0.01)
    print("shutdown", flush=True)
    os._exit(0)

threading.Thread(target=exit_on_shutdown, daemon=True).start()
with shutdown_signal.defer_sigterm():
    print("computes", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # Python runs no signal handler until this returns
"""
RUN_A_JOB = """
import sys
from worker.runtime.shutdown_signal import ShutdownSignal
shutdown_signal = ShutdownSignal()
shutdown_signal.start_listening()
with shutdown_signal.defer_sigterm():
    print("has a job", flush=True)
    sys.stdin.readline()
    print(shutdown_signal.is_set, flush=True)
print("goes on", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def start_process():
    processes = []

    def start_process(script):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen([sys.executable, "-c", script], text=True, env=os.environ, **pipes)
        processes.append(process)
        assert process.stdout.readline()
        return process

    yield start_process
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, PARENT_SHUTDOWN])
def test_the_signal_is_noticed_while_a_library_computes(start_process, number):
    process = start_process(COMPUTE)
    process.send_signal(number)
    assert process.stdout.readline() == "shutdown\n"


def test_a_child_that_gets_sigterm_ends_after_its_job(start_process):
    process = start_process(RUN_A_JOB)
    process.send_signal(signal.SIGTERM)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.read() == "True\n"
    assert process.wait(20) == -signal.SIGTERM


def test_a_child_whose_parent_shuts_down_waits_for_its_parent(start_process):
    process = start_process(RUN_A_JOB)
    process.send_signal(PARENT_SHUTDOWN)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() in {"True\n", "False\n"}  # the signal may arrive while the line is read
    assert process.stdout.readline() == "goes on\n"
    assert process.poll() is None
