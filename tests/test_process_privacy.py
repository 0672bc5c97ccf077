"""Processes of the same user cannot read the environment of a private process."""

import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, os
from pathlib import Path
from stackyard.process_privacy import keep_process_private

PR_SET_DUMPABLE = 4

def read_environment_in_another_process(pid):
    if os.fork() == 0:
        try:
            Path(f"/proc/{pid}/environ").read_bytes()
            print("done", flush=True)
        except PermissionError:
            print("refused", flush=True)
        os._exit(0)
    os.wait()

if os.geteuid() == 0:  # root can read every process
    os.setresuid(65534, 65534, 65534)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # the change of the user has made the process private
read_environment_in_another_process(os.getpid())
keep_process_private()
read_environment_in_another_process(os.getpid())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has private processes")
def test_another_process_of_the_user_cannot_read_the_environment_of_a_private_one():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.split() == ["done", "refused"]
