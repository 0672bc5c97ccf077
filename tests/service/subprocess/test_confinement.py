"""A confined process cannot write files, use the network, or reach other processes."""

import json
import os
import subprocess
import sys

import pytest
import structlog

from service.subprocess import confinement

SCRIPT = """
import json, os, socket, subprocess, sys
from pathlib import Path
from service.subprocess.confinement import confine_process

directory = Path(sys.argv[1])
log = (directory / "log").open("w")
confine_process()
ATTEMPTS = {
    "read": lambda: (directory / "file").read_text(),
    "write to an open file": lambda: print("text", file=log, flush=True),
    "connect a pair": lambda: socket.socketpair(),
    "create": lambda: (directory / "other").write_text("x"),
    "change": lambda: (directory / "file").open("a"),
    "truncate": lambda: os.truncate(directory / "file", 0),
    "remove": lambda: (directory / "file").unlink(),
    "create a directory": lambda: (directory / "directory").mkdir(),
    "rename": lambda: (directory / "file").rename(directory / "other"),
    "link": lambda: (directory / "other").hardlink_to(directory / "file"),
    "TCP": lambda: socket.create_connection(("127.0.0.1", 9)),
    "UDP": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "Unix socket": lambda: socket.socket(socket.AF_UNIX),
    "environment": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "memory": lambda: Path(f"/proc/{os.getppid()}/mem").open("rb"),
    "signal": lambda: os.kill(os.getppid(), 0),
    "program": lambda: subprocess.run(["/bin/true"]),
}

def attempt(action):
    try:
        action()
    except OSError as error:
        return type(error).__name__
    return "done"

print(json.dumps({name: attempt(action) for name, action in ATTEMPTS.items()}))
"""
ALLOWED = {"read", "write to an open file", "connect a pair"}
is_fully_confined = not confinement.list_unconfined_actions()


@pytest.mark.skipif(not is_fully_confined, reason="the kernel has no Landlock of version 6, or no seccomp")
def test_a_confined_process_can_only_read_and_use_what_is_open(tmp_path):
    (tmp_path / "file").write_text("content")
    result = run_python(SCRIPT, str(tmp_path))
    assert result.returncode == 0, result.stderr
    outcomes = json.loads(result.stdout)
    if os.geteuid() == 0:  # root's CAP_PERFMON is enough to read the environment
        del outcomes["environment"]
    assert {name for name, outcome in outcomes.items() if outcome == "done"} == ALLOWED
    assert set(outcomes.values()) == {"done", "PermissionError"}
    assert (tmp_path / "file").read_text() == "content"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "log"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines processes")
def test_a_process_with_threads_is_not_confined():
    result = run_python(
        "import threading, time; from service.subprocess.confinement import confine_process;"
        "threading.Thread(target=time.sleep, args=[60], daemon=True).start(); confine_process()"
    )
    assert "before it starts other threads" in result.stderr


def test_the_log_says_what_the_system_does_not_refuse(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with structlog.testing.capture_logs() as entries:
        confinement.log_missing_protections()
    [entry] = entries
    assert entry["action"] == "not_confined"
    assert "use the network" in entry["unconfined_actions"]


@pytest.mark.skipif(not is_fully_confined, reason="the kernel has no Landlock of version 6, or no seccomp")
def test_the_log_says_nothing_where_all_is_refused():
    with structlog.testing.capture_logs() as entries:
        confinement.log_missing_protections()
    assert entries == []


def run_python(script, *arguments):
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
