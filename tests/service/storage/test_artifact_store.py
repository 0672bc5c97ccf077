"""The store of files by content."""

import errno
import hashlib
import os
import subprocess
import sys
import textwrap

import pytest

from service.errors import Damaged, StorageError, StorageFull
from service.storage.artifact_store import ArtifactStore

LONG_AGO = 1_700_000_000.0


def put(store, content):
    with store.receive() as incoming:
        incoming.write(content)
        return store.keep(incoming)


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path)


def test_a_file_lies_under_its_hash(store):
    stored = put(store, b"weights")
    assert stored.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert stored.bytes == 7
    assert store.path(stored.sha256).read_bytes() == b"weights"


def test_the_same_bytes_are_one_file(store, tmp_path):
    assert put(store, b"same") == put(store, b"same")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_what_is_not_kept_leaves_nothing(store, tmp_path):
    def interrupted():
        with store.receive() as incoming:
            incoming.write(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        interrupted()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def age(store, *files):
    for stored in files:
        os.utime(store.path(stored.sha256), (LONG_AGO, LONG_AGO))


def test_what_is_old_is_a_stray_to_whoever_knows_no_owner(store):
    old, young = put(store, b"old"), put(store, b"young")
    age(store, old)
    assert list(store.strays(before=LONG_AGO + 1)) == [old.sha256]
    assert store.has(young.sha256, 5)


def test_half_an_upload_is_cleared_away_once_it_is_old(store, tmp_path):
    for name in ("old", "young"):
        (tmp_path / "incoming" / name).write_bytes(b"half")
    os.utime(tmp_path / "incoming" / "old", (LONG_AGO, LONG_AGO))
    assert store.clear_incoming(before=LONG_AGO + 1) == 1
    assert [path.name for path in (tmp_path / "incoming").iterdir()] == ["young"]


def test_what_is_stored_again_is_young_again_and_is_not_removed(store):
    stored = put(store, b"again")
    age(store, stored)
    put(store, b"again")
    assert not store.remove(stored.sha256, before=LONG_AGO + 1)
    age(store, stored)
    assert store.remove(stored.sha256, before=LONG_AGO + 1)
    assert store.remove(stored.sha256, before=LONG_AGO + 1), "what is gone is gone"
    assert not stored.is_there()


class TestReading:
    """Whatever lies under a SHA-256 is verified."""

    def test_a_file_is_there_for_a_block(self, store):
        stored = put(store, b"weights")
        for _ in range(2):
            with store.local(stored.sha256) as path:
                assert path.read_bytes() == b"weights"

    @pytest.mark.parametrize("content", [b"weighty", b"weight", b""])
    def test_a_file_that_was_changed_is_refused_though_it_was_right_before(self, store, content):
        stored = put(store, b"weights")
        with store.local(stored.sha256) as path:
            pass
        path.write_bytes(content)
        with pytest.raises(Damaged), store.local(stored.sha256):
            pass

    def test_a_file_that_is_gone_is_refused(self, store):
        stored = put(store, b"weights")
        store.path(stored.sha256).unlink()
        with pytest.raises(Damaged), store.local(stored.sha256):
            pass

    def test_what_is_stored_again_is_whole_again(self, store):
        stored = put(store, b"weights")
        store.path(stored.sha256).write_bytes(b"changed")
        put(store, b"weights")
        with store.local(stored.sha256) as path:
            assert path.read_bytes() == b"weights"


FAULTS = {"a new file": "tempfile.mkstemp", "fsync": "os.fsync", "rename": "pathlib.Path.replace"}


class TestFaults:
    """The disk answers a write with an error: nothing is left of the file, and the next one is stored."""

    @pytest.mark.parametrize("fault", FAULTS)
    @pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, StorageFull), (errno.EIO, StorageError)])
    def test_says_what_happened_and_leaves_nothing(self, store, tmp_path, monkeypatch, fault, number, kind):
        def fail(*_, **__):
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(FAULTS[fault], fail)
            with pytest.raises(StorageError, match=os.strerror(number)) as refused:
                put(store, b"weights")
        assert type(refused.value) is kind
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
        assert put(store, b"weights").is_there()

    def test_a_file_too_large_for_the_disk_is_refused_by_the_kernel(self, tmp_path):
        """By a limit of the process, which a disk without room resembles in all but the error's number."""
        script = textwrap.dedent(
            """
            import resource, signal, sys
            from pathlib import Path
            from service.storage.artifact_store import ArtifactStore
            from service.errors import StorageFull
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            store = ArtifactStore(Path(sys.argv[1]))
            for size in (1_000_000, 100):
                try:
                    with store.receive() as incoming:
                        for _ in range(size // 100):
                            incoming.write(bytes(100))
                        print(store.keep(incoming).bytes)
                except StorageFull as error:
                    print(error)
            """,
        )
        command = [sys.executable, "-c", script, str(tmp_path)]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert told.splitlines() == ["There is no room for the file: File too large.", "100"]
        assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
