"""The peak memory of a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.runtime import memory

ROOT = Path(__file__).parents[3]

RESET_PEAK_OF_A_PRIVATE_PROCESS = """
import os
from stackyard.process_privacy import keep_process_private
from worker.runtime import memory

if os.geteuid() == 0:  # root can open all files
    os.setresuid(65534, 65534, 65534)
    import ctypes
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: the change of the user has made the process private
memory.reset_peak_memory()
keep_process_private()
block = bytearray(64 << 20)
before = memory.read_peak_memory()
del block
memory.reset_peak_memory()
print(before - memory.read_peak_memory())
"""


def test_the_peak_counts_from_its_last_reset():
    memory.reset_peak_memory()
    before = memory.read_peak_memory()
    block = bytearray(os.urandom(1) * (64 << 20))
    assert memory.read_peak_memory() >= before + (60 << 20)
    del block
    memory.reset_peak_memory()
    assert memory.read_peak_memory() < before + (60 << 20)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot reset the peak")
def test_a_private_process_can_reset_its_peak():
    process = subprocess.run(
        [sys.executable, "-c", RESET_PEAK_OF_A_PRIVATE_PROCESS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(process.stdout) > 60 << 20
