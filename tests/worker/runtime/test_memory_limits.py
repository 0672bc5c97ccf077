"""The hard limit on a child's memory."""

import os
import subprocess
import sys

import psutil
import pytest

from service.settings import Settings
from worker.runtime import memory_limits

ALLOCATE = """
import sys
from worker.runtime import memory_limits
before = memory_limits.read_allocated_memory()
limit = memory_limits.limit_memory(1)
try:
    bytearray(2 * memory_limits.MIN_HEADROOM)
except MemoryError:
    print(limit - before, memory_limits.read_memory_limit() == limit)
"""


def test_a_process_gets_no_more_memory_than_its_limit_and_at_least_some():
    result = subprocess.run([sys.executable, "-c", ALLOCATE], capture_output=True, text=True, check=True)
    room, is_read = result.stdout.split()
    assert int(room) >= memory_limits.MIN_HEADROOM
    assert is_read == "True"


def test_the_limit_of_another_process_is_known():
    assert memory_limits.read_memory_limit(os.getpid()) is None
    assert memory_limits.read_allocated_memory(os.getpid()) > 2**20
    assert memory_limits.read_memory_limit(2**30) is None
    assert memory_limits.read_allocated_memory(2**30) == 0


def test_children_and_neighbours_share_the_memory_of_the_machine():
    total = memory_limits.read_total_memory()
    assert 0 < total <= psutil.virtual_memory().total
    alone = memory_limits.compute_child_limit(Settings(), 1)
    assert total // 2 < alone < total
    assert memory_limits.compute_child_limit(Settings(), 4) == alone // 4
    assert memory_limits.compute_child_limit(Settings(neighbours=3), 1) == alone // 4


@pytest.mark.parametrize(("setting", "limit"), [({}, 0), ({"child_memory_limit": 10**9}, 10**9)])
def test_a_gpu_worker_s_children_have_the_limit_that_is_set(setting, limit):
    assert memory_limits.compute_child_limit(Settings(device="gpu", **setting), 2) == limit


def test_the_setting_replaces_the_share():
    assert memory_limits.compute_child_limit(Settings(child_memory_limit=10**9), 2) == 10**9
