"""A process that has `injected` on its path names its durable steps, and is struck at the one that is asked for."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.installation import INJECTED
from tests.chaos.steps import Order, Steps

KEEP = """
import sys
from pathlib import Path
from service.storage.artifact_store import ArtifactStore
store = ArtifactStore(Path(sys.argv[1]))
with store.receive() as incoming:
    incoming.write(b"content")
    store.keep(incoming)
"""


@pytest.fixture
def steps(tmp_path) -> Steps:
    (tmp_path / "chaos").mkdir()
    return Steps(tmp_path / "chaos")


def keep(directory: Path) -> int:
    """The exit status of a process that stores a file."""
    own = {"PYTHONPATH": str(INJECTED), "STACKYARD_CHAOS": str(directory / "chaos")}
    command = [sys.executable, "-c", KEEP, str(directory)]
    return subprocess.run(command, env=os.environ | own, stderr=subprocess.DEVNULL, check=False).returncode


def stored(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in directory.glob("sha256/*/*")]


@pytest.mark.usefixtures("steps")
def test_steps_are_named_in_their_order(tmp_path):
    assert keep(tmp_path) == 0
    calls = [place.split()[-1] for place in (tmp_path / "chaos" / "seen").read_text().splitlines()]
    assert [call for call in calls if call != "unlink"][:4] == ["write", "fsync", "replace", "fsync"]


@pytest.mark.parametrize(("moment", "there"), [("before", []), ("after", [b"content"])])
def test_a_process_dies_once_before_or_after_a_step(steps, tmp_path, moment, there):
    keep(tmp_path)
    place = next(place for place in steps.seen() if place.endswith(" replace"))
    for path in tmp_path.glob("sha256/*/*"):
        path.unlink()
    number = steps.arm(Order(place, moment))
    assert keep(tmp_path) == -signal.SIGKILL
    assert stored(tmp_path) == there
    assert [fired[0] for fired in steps.fired()] == [number]
    assert keep(tmp_path) == 0
    assert stored(tmp_path) == [b"content"]


def test_a_step_fails_with_an_error_of_the_disk(steps, tmp_path):
    keep(tmp_path)
    steps.arm(Order(next(place for place in steps.seen() if place.endswith(" write")), "before", "ENOSPC"))
    for path in tmp_path.glob("sha256/*/*"):
        path.unlink()
    assert keep(tmp_path) == 1
    assert stored(tmp_path) == []


def test_a_removal_of_what_is_not_there_is_passed_too(steps, tmp_path):
    keep(tmp_path)
    steps.arm(Order(next(place for place in steps.seen() if place.endswith(" unlink")), "after"))
    assert keep(tmp_path) == -signal.SIGKILL


def test_an_order_that_is_taken_back_is_not_carried_out(steps, tmp_path):
    keep(tmp_path)
    orders = [Order(place, "before") for place in steps.seen()[:2]]
    first, second = (steps.arm(order) for order in orders)
    steps.disarm(first)
    assert steps.armed == {second: orders[1]}
    steps.disarm(second)
    assert keep(tmp_path) == 0
    assert (steps.armed, steps.fired()) == ({}, [])
