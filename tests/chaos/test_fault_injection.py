"""A process with `injected` on its path names its durable steps, and a fault strikes at an ordered one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.fault_injection import FaultInjector, FaultOrder
from tests.chaos.installation import INJECTED

pytestmark = pytest.mark.exhaustive

STORE_FILE = """
import sys
from pathlib import Path
from service.storage.artifact_store import ArtifactStore
store = ArtifactStore(Path(sys.argv[1]))
with store.receive_file() as incoming:
    incoming.write(b"content")
    store.commit_file(incoming)
"""


@pytest.fixture
def injector(tmp_path) -> FaultInjector:
    (tmp_path / "chaos").mkdir()
    return FaultInjector(tmp_path / "chaos")


def store_file(directory: Path) -> int:
    """Run a process that stores a file; return its exit status."""
    variables = {"PYTHONPATH": str(INJECTED), "STACKYARD_CHAOS": str(directory / "chaos")}
    command = [sys.executable, "-c", STORE_FILE, str(directory)]
    return subprocess.run(command, env=os.environ | variables, stderr=subprocess.DEVNULL, check=False).returncode


def read_stored_files(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in directory.glob("sha256/*/*")]


@pytest.mark.usefixtures("injector")
def test_steps_are_listed_in_the_order_of_their_calls(tmp_path):
    assert store_file(tmp_path) == 0
    calls = [step.split()[-1] for step in (tmp_path / "chaos" / "seen").read_text().splitlines()]
    assert [call for call in calls if call != "unlink"][:4] == ["write", "fsync", "replace", "fsync"]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("timing", "stored"), [("before", []), ("after", [b"content"])])
def test_a_process_is_killed_once_before_or_after_a_step(injector, tmp_path, timing, stored):
    store_file(tmp_path)
    step = next(step for step in injector.list_steps() if step.endswith(" replace"))
    for path in tmp_path.glob("sha256/*/*"):
        path.unlink()
    number = injector.arm(FaultOrder(step, timing))
    assert store_file(tmp_path) == -signal.SIGKILL
    assert read_stored_files(tmp_path) == stored
    assert [fired[0] for fired in injector.collect_fired()] == [number]
    assert store_file(tmp_path) == 0
    assert read_stored_files(tmp_path) == [b"content"]


def test_a_step_fails_with_a_disk_error(injector, tmp_path):
    store_file(tmp_path)
    injector.arm(
        FaultOrder(next(step for step in injector.list_steps() if step.endswith(" write")), "before", "ENOSPC")
    )
    for path in tmp_path.glob("sha256/*/*"):
        path.unlink()
    assert store_file(tmp_path) == 1
    assert read_stored_files(tmp_path) == []


def test_the_failed_removal_of_a_missing_file_counts_as_a_step(injector, tmp_path):
    store_file(tmp_path)
    injector.arm(FaultOrder(next(step for step in injector.list_steps() if step.endswith(" unlink")), "after"))
    assert store_file(tmp_path) == -signal.SIGKILL


def test_a_disarmed_order_is_not_carried_out(injector, tmp_path):
    store_file(tmp_path)
    orders = [FaultOrder(step, "before") for step in injector.list_steps()[:2]]
    first, second = (injector.arm(order) for order in orders)
    injector.disarm(first)
    assert injector.armed_orders == {second: orders[1]}
    injector.disarm(second)
    assert store_file(tmp_path) == 0
    assert (injector.armed_orders, injector.collect_fired()) == ({}, [])
