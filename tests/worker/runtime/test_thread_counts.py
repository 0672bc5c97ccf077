"""How many threads the children of a worker get."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.settings import Settings
from worker.runtime.thread_counts import compute_thread_counts

ROOT = Path(__file__).parents[3]

PRINT_COUNTS_ON_ONE_CORE = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from service.settings import Settings
from stackyard.cores import count_usable_cores
from worker.runtime.thread_counts import compute_thread_counts
print(tuple(compute_thread_counts(Settings(threads=0, threads_alone=0), 1, count_usable_cores())))
"""


@pytest.mark.parametrize(
    ("cores", "children", "neighbours", "shared", "alone"),
    [(2, 1, 0, 2, 2), (2, 2, 0, 1, 2), (8, 3, 0, 2, 8), (8, 3, 1, 2, 6), (8, 1, 1, 4, 4), (1, 4, 0, 1, 1)],
)
def test_the_threads_of_all_children_fit_the_cores(cores, children, neighbours, shared, alone):
    settings = Settings(neighbours=neighbours, threads=0)
    assert compute_thread_counts(settings, children, cores) == (shared, alone)


def test_configured_numbers_of_threads_are_used():
    assert compute_thread_counts(Settings(threads=7), 2, cores=2) == (7, 7)
    assert compute_thread_counts(Settings(threads=7, threads_alone=9), 2, cores=2) == (7, 9)


def test_a_large_job_on_a_gpu_gets_the_share_of_its_child():
    assert compute_thread_counts(Settings(device="gpu", threads_alone=8), 2, cores=8) == (4, 4)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind a process to a core")
def test_a_process_that_is_bound_to_one_core_gets_one_thread():
    process = subprocess.run(
        [sys.executable, "-c", PRINT_COUNTS_ON_ONE_CORE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert process.stdout.splitlines()[-1] == "(1, 1)"
