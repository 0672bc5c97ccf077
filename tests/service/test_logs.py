"""Log lines of processes, and logging on a full disk."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import structlog
from service import logs
logs.configure_logging()
log = structlog.get_logger()
log.warning("a round failed", action="reconcile_failed")
log.exception("another", action="reconcile_failed")
print("went on")
"""


def test_full_disk_of_the_log_does_not_end_the_process():
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        process = subprocess.run([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=full, check=False)
    assert process.stdout == b"went on\n"


def test_log_line_is_a_json_object_with_an_action():
    process = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert '"action": "reconcile_failed"' in process.stderr.splitlines()[0]


def test_a_text_from_a_client_does_not_make_a_log_line_long():
    script = SCRIPT.replace('"reconcile_failed")', '"reconcile_failed", path="x" * 10**6)', 1)
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    line = process.stderr.splitlines()[0]
    assert len(line) < 1500
    assert "999000 more characters" in line
