"""What processes log, and what they do where nobody takes it."""

import subprocess
import sys
from pathlib import Path

import pytest

TELL = """
import structlog
from service import logs
logs.configure()
log = structlog.get_logger()
log.warning("a round was not finished", action="reconcile_failed")
log.exception("another", action="reconcile_failed")
print("went on")
"""


def test_a_log_on_a_full_disk_ends_nothing():
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        told = subprocess.run([sys.executable, "-c", TELL], stdout=subprocess.PIPE, stderr=full, check=False)
    assert told.stdout == b"went on\n"


def test_a_line_is_a_json_object_with_an_action():
    told = subprocess.run([sys.executable, "-c", TELL], capture_output=True, text=True, check=True)
    assert '"action": "reconcile_failed"' in told.stderr.splitlines()[0]
