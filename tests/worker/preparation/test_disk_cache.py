"""Prepared rows in files, between processes that want the same, have no room, or die."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.waiting import until
from worker.preparation import PreparationError, StorageError
from worker.preparation.out_of_core.disk_cache import Shelf
from worker.preparation.out_of_core.file_lock import lock

MEGABYTE = 1 << 20


def nothing():
    """Stands for a check that lets everything go on."""


def writing(text, megabytes=0):
    def write(directory):
        (directory / "text").write_text(text)
        (directory / "bytes").write_bytes(b"\0" * megabytes * MEGABYTE)

    return write


def never(directory):
    raise AssertionError(directory)


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path, 10 * MEGABYTE)


def put(shelf, key, megabytes=0):
    shelf.take(key, megabytes * MEGABYTE, writing(key, megabytes), nothing).lock.release()


def names(directory):
    return sorted(path.name for path in directory.iterdir() if path.suffix != ".lock")


def test_what_was_written_is_found_by_another(shelf, tmp_path):
    put(shelf, "a")
    taken = Shelf(tmp_path, MEGABYTE).take("a", 0, never, nothing)
    assert (taken.directory / "text").read_text() == "a"


def test_a_failure_leaves_nothing(shelf, tmp_path):
    def fail(directory):
        (directory / "half").write_text("half")
        raise PreparationError

    with pytest.raises(PreparationError):
        shelf.take("a", 0, fail, nothing)
    assert list(tmp_path.iterdir()) == []
    put(shelf, "a")
    assert names(tmp_path) == ["a"]


HALF = """
import os, sys, time
from pathlib import Path
from types import SimpleNamespace
from worker.preparation.out_of_core.disk_cache import Shelf

def write(directory):
    (directory / "text").write_text("half")
    print("half", flush=True)
    time.sleep(1000)

Shelf(Path(sys.argv[1]), 1 << 30).take("a", 0, write, lambda: None)
"""


@pytest.fixture
def half(tmp_path):
    """A process that is in the middle of writing, and its directory."""
    process = subprocess.Popen([sys.executable, "-c", HALF, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "half\n"
    yield process
    process.kill()
    process.wait()


def test_a_crash_leaves_nothing_that_is_taken_for_whole(half, tmp_path, shelf):
    half.send_signal(signal.SIGKILL)
    half.wait()
    assert names(tmp_path) == ["a.part"]
    taken = shelf.take("a", 0, writing("whole"), nothing)
    assert (taken.directory / "text").read_text() == "whole"
    assert names(tmp_path) == ["a"]


def test_what_a_crash_left_is_removed_by_the_next(half, tmp_path, shelf):
    half.kill()
    half.wait()
    shelf.sweep()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_a_crash_left_is_removed_too(tmp_path, shelf):
    put(shelf, "a")
    (tmp_path / "b.lock").touch()
    shelf.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.lock"]


@pytest.mark.usefixtures("half")
def test_what_is_being_written_is_left_alone(tmp_path, shelf):
    shelf.sweep()
    put(shelf, "b", 9)
    assert names(tmp_path) == ["a.part", "b"]


def test_a_wait_for_another_can_be_broken_off(half, shelf):
    class Stop(Exception):
        pass

    asked = []

    def check():
        asked.append(half.poll())
        if len(asked) == 3:
            raise Stop

    with pytest.raises(Stop):
        shelf.take("a", 0, never, check)
    assert asked == [None] * 3


def test_one_that_waits_takes_over_from_one_that_dies(half, shelf):
    waited = []

    def check():
        waited.append(None)
        if len(waited) == 2:
            half.kill()
            half.wait()

    taken = shelf.take("a", 0, writing("whole"), check)
    assert (taken.directory / "text").read_text() == "whole"


def test_of_several_at_once_one_writes(tmp_path):
    written = []
    begun, go_on = threading.Event(), threading.Event()

    def write(directory):
        written.append(directory)
        begun.set()
        go_on.wait()
        writing("once")(directory)

    found = []

    def take(check):
        found.append(Shelf(tmp_path, MEGABYTE).take("a", 0, write, check).directory)

    first = threading.Thread(target=take, args=(nothing,))
    first.start()
    begun.wait()
    checks = []
    second = threading.Thread(target=take, args=(lambda: checks.append(None),))
    second.start()
    until(lambda: len(checks) > 1)
    go_on.set()
    first.join()
    second.join()
    assert len(written) == 1
    assert found == [tmp_path / "a"] * 2


def age(directory, key, seconds):
    """As if it had last been used so long ago."""
    then = time.time() - seconds
    os.utime(directory / f"{key}.lock", (then, then))


def test_the_least_recently_used_leaves(shelf, tmp_path):
    for key, seconds in (("a", 30), ("b", 20), ("c", 10)):
        put(shelf, key, 3)
        age(tmp_path, key, seconds)
    shelf.take("a", 0, never, nothing).lock.release()
    put(shelf, "d", 3)
    assert names(tmp_path) == ["a", "c", "d"]
    assert not (tmp_path / "b.lock").exists()


def test_what_is_in_use_stays(shelf, tmp_path):
    put(shelf, "a", 4)
    age(tmp_path, "a", 100)
    put(shelf, "b", 4)
    used = Shelf(tmp_path, MEGABYTE).take("a", 0, never, nothing)
    age(tmp_path, "a", 100)
    put(shelf, "c", 4)
    assert names(tmp_path) == ["a", "c"]
    used.lock.release()
    age(tmp_path, "a", 100)
    put(shelf, "d", 4)
    assert names(tmp_path) == ["c", "d"]


def test_one_that_is_larger_than_all_may_be_is_refused(shelf, tmp_path):
    put(shelf, "a", 3)
    with pytest.raises(PreparationError, match=r"11,534,336 bytes .* at most 10,485,760"):
        shelf.take("b", 11 * MEGABYTE, never, nothing)
    assert names(tmp_path) == ["a"]


def test_one_that_is_larger_than_the_disk_is_refused(tmp_path):
    with pytest.raises(StorageError, match="are free"):
        Shelf(tmp_path, 1 << 62).take("a", 1 << 61, never, nothing)
    assert names(tmp_path) == []


def test_a_lock_on_a_file_that_was_just_removed_is_none(tmp_path, monkeypatch):
    """Whoever removes a directory removes its lock, which another may have opened a moment before."""
    path = tmp_path / "a.lock"
    others = []

    def flock(descriptor, how):
        if not others:
            path.unlink()
            others.append(None)
            others.append(lock(path, shared=False))
        fcntl.flock(descriptor, how)

    monkeypatch.setattr(
        "worker.preparation.out_of_core.file_lock.fcntl", SimpleNamespace(**vars(fcntl) | {"flock": flock})
    )
    assert lock(path, shared=False) is None
    others[1].release()
    assert lock(path, shared=False) is not None


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="could not write"):
        Shelf(Path(tmp_path / "file"), MEGABYTE).take("a", 0, never, nothing)
