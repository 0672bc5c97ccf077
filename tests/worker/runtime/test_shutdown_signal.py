"""What a child hears of its end, and what it does then: in processes of their own, for it takes signals."""

import os
import signal
import subprocess
import sys

import pytest

from worker.runtime.shutdown_signal import PASSED_ON

COMPUTES = """
import hashlib, os, signal, sys, threading, time
from worker.runtime.shutdown_signal import Notice
notice = Notice()
notice.listen()

def watch():
    while not notice.given:
        time.sleep(0.01)
    print("heard", flush=True)
    os._exit(0)

threading.Thread(target=watch, daemon=True).start()
with notice.instead_of_ending():
    print("computes", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)  # no handler of Python's runs until this returns
"""
HAS_A_JOB = """
import sys
from worker.runtime.shutdown_signal import Notice
notice = Notice()
notice.listen()
with notice.instead_of_ending():
    print("has a job", flush=True)
    sys.stdin.readline()
    print(notice.given, flush=True)
print("goes on", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def start():
    started = []

    def start(script):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen([sys.executable, "-c", script], text=True, env=os.environ, **pipes)
        started.append(process)
        assert process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, PASSED_ON])
def test_it_is_heard_while_a_library_computes(start, number):
    process = start(COMPUTES)
    process.send_signal(number)
    assert process.stdout.readline() == "heard\n"


def test_a_child_that_is_told_itself_ends_once_its_job_is_handed_back(start):
    process = start(HAS_A_JOB)
    process.send_signal(signal.SIGTERM)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.read() == "True\n"
    assert process.wait(20) == -signal.SIGTERM


def test_a_child_whose_parent_is_told_waits_for_its_parent(start):
    process = start(HAS_A_JOB)
    process.send_signal(PASSED_ON)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() in {"True\n", "False\n"}  # it may come while the line is read
    assert process.stdout.readline() == "goes on\n"
    assert process.poll() is None
