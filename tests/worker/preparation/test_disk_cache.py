"""The disk cache when processes need the same entry, run out of space, or die."""

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

from service.storage.file_locks import try_lock_file
from tests.polling import wait_until
from worker.preparation import PreparationError, StorageError
from worker.preparation.out_of_core.disk_cache import DiskCache

MEGABYTE = 1 << 20


def check_nothing():
    """A check that does not stop anything."""


def build_writer(text, megabytes=0):
    def write(directory):
        (directory / "text").write_text(text)
        (directory / "bytes").write_bytes(b"\0" * megabytes * MEGABYTE)

    return write


def fail_if_called(directory):
    raise AssertionError(directory)


@pytest.fixture
def cache(tmp_path):
    return DiskCache(tmp_path, 10 * MEGABYTE)


def write_entry(cache, key, megabytes=0):
    cache.acquire(key, megabytes * MEGABYTE, build_writer(key, megabytes), check_nothing).lock.release()


def list_names(directory):
    return sorted(path.name for path in directory.iterdir() if path.suffix != ".lock")


def test_another_cache_finds_a_written_entry(cache, tmp_path):
    write_entry(cache, "a")
    entry = DiskCache(tmp_path, MEGABYTE).acquire("a", 0, fail_if_called, check_nothing)
    assert (entry.directory / "text").read_text() == "a"


def test_a_failed_write_leaves_no_files(cache, tmp_path):
    def fail(directory):
        (directory / "half").write_text("half")
        raise PreparationError

    with pytest.raises(PreparationError):
        cache.acquire("a", 0, fail, check_nothing)
    assert list(tmp_path.iterdir()) == []
    write_entry(cache, "a")
    assert list_names(tmp_path) == ["a"]


HALF = """
import os, sys, time
from pathlib import Path
from types import SimpleNamespace
from worker.preparation.out_of_core.disk_cache import DiskCache

def write(directory):
    (directory / "text").write_text("half")
    print("half", flush=True)
    time.sleep(1000)

DiskCache(Path(sys.argv[1]), 1 << 30).acquire("a", 0, write, lambda: None)
"""


@pytest.fixture
def writer(tmp_path):
    """A process that is writing an entry."""
    process = subprocess.Popen([sys.executable, "-c", HALF, tmp_path], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "half\n"
    yield process
    process.kill()
    process.wait()


def test_a_partial_entry_of_a_crash_is_not_used(writer, tmp_path, cache):
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert list_names(tmp_path) == ["a.part"]
    entry = cache.acquire("a", 0, build_writer("whole"), check_nothing)
    assert (entry.directory / "text").read_text() == "whole"
    assert list_names(tmp_path) == ["a"]


def test_a_partial_entry_of_a_crash_is_removed(writer, tmp_path, cache):
    writer.kill()
    writer.wait()
    cache.remove_leftovers()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_of_a_crash_is_removed(tmp_path, cache):
    write_entry(cache, "a")
    (tmp_path / "b.lock").touch()
    cache.remove_leftovers()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.lock"]


@pytest.mark.usefixtures("writer")
def test_an_entry_that_is_being_written_is_not_removed(tmp_path, cache):
    cache.remove_leftovers()
    write_entry(cache, "b", 9)
    assert list_names(tmp_path) == ["a.part", "b"]


def test_a_check_can_stop_the_wait_for_another_writer(writer, cache):
    class Stop(Exception):
        pass

    poll_results = []

    def check():
        poll_results.append(writer.poll())
        if len(poll_results) == 3:
            raise Stop

    with pytest.raises(Stop):
        cache.acquire("a", 0, fail_if_called, check)
    assert poll_results == [None] * 3


def test_a_waiting_process_writes_after_the_writer_dies(writer, cache):
    checks = []

    def check():
        checks.append(None)
        if len(checks) == 2:
            writer.kill()
            writer.wait()

    entry = cache.acquire("a", 0, build_writer("whole"), check)
    assert (entry.directory / "text").read_text() == "whole"


def test_only_one_of_several_processes_writes(tmp_path):
    written = []
    started, may_continue = threading.Event(), threading.Event()

    def write(directory):
        written.append(directory)
        started.set()
        may_continue.wait()
        build_writer("once")(directory)

    directories = []

    def take_entry(check):
        directories.append(DiskCache(tmp_path, MEGABYTE).acquire("a", 0, write, check).directory)

    first = threading.Thread(target=take_entry, args=(check_nothing,))
    first.start()
    started.wait()
    checks = []
    second = threading.Thread(target=take_entry, args=(lambda: checks.append(None),))
    second.start()
    wait_until(lambda: len(checks) > 1)
    may_continue.set()
    first.join()
    second.join()
    assert len(written) == 1
    assert directories == [tmp_path / "a"] * 2


def set_age(directory, key, seconds):
    """Pretend that the last use was this long ago."""
    last_use = time.time() - seconds
    os.utime(directory / f"{key}.lock", (last_use, last_use))


def test_the_least_recently_used_entry_is_removed(cache, tmp_path):
    for key, seconds in (("a", 30), ("b", 20), ("c", 10)):
        write_entry(cache, key, 3)
        set_age(tmp_path, key, seconds)
    cache.acquire("a", 0, fail_if_called, check_nothing).lock.release()
    write_entry(cache, "d", 3)
    assert list_names(tmp_path) == ["a", "c", "d"]
    assert not (tmp_path / "b.lock").exists()


def test_an_entry_in_use_is_not_removed(cache, tmp_path):
    write_entry(cache, "a", 4)
    set_age(tmp_path, "a", 100)
    write_entry(cache, "b", 4)
    used = DiskCache(tmp_path, MEGABYTE).acquire("a", 0, fail_if_called, check_nothing)
    set_age(tmp_path, "a", 100)
    write_entry(cache, "c", 4)
    assert list_names(tmp_path) == ["a", "c"]
    used.lock.release()
    set_age(tmp_path, "a", 100)
    write_entry(cache, "d", 4)
    assert list_names(tmp_path) == ["c", "d"]


def test_an_entry_larger_than_the_cache_is_an_error(cache, tmp_path):
    write_entry(cache, "a", 3)
    with pytest.raises(PreparationError, match=r"11,534,336 bytes .* at most 10,485,760"):
        cache.acquire("b", 11 * MEGABYTE, fail_if_called, check_nothing)
    assert list_names(tmp_path) == ["a"]


def test_an_entry_larger_than_the_disk_is_an_error(tmp_path):
    with pytest.raises(StorageError, match="are free"):
        DiskCache(tmp_path, 1 << 62).acquire("a", 1 << 61, fail_if_called, check_nothing)
    assert list_names(tmp_path) == []


def test_a_lock_on_a_removed_file_does_not_count(tmp_path, monkeypatch):
    """Removing an entry removes its lock file, which another process may have just opened."""
    path = tmp_path / "a.lock"
    competing_locks = []

    def flock(descriptor, operation):
        if not competing_locks:
            path.unlink()
            competing_locks.append(None)
            competing_locks.append(try_lock_file(path, shared=False))
        fcntl.flock(descriptor, operation)

    monkeypatch.setattr("service.storage.file_locks.fcntl", SimpleNamespace(**vars(fcntl) | {"flock": flock}))
    assert try_lock_file(path, shared=False) is None
    competing_locks[1].release()
    assert try_lock_file(path, shared=False) is not None


def test_an_unwritable_directory_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="could not write"):
        DiskCache(Path(tmp_path / "file"), MEGABYTE).acquire("a", 0, fail_if_called, check_nothing)
