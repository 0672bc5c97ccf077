"""The store of files by their SHA-256."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from service.errors import CorruptFile, StorageError, StorageFull
from service.storage.artifact_store import ArtifactStore

LONG_AGO = 1_700_000_000.0


def put_file(store, content):
    with store.receive_file() as incoming:
        incoming.write(content)
        return store.commit_file(incoming)


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path)


def test_file_is_stored_under_its_sha256(store):
    stored = put_file(store, b"weights")
    assert stored.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert stored.bytes == 7
    assert store.path(stored.sha256).read_bytes() == b"weights"


def test_equal_content_is_stored_once(store, tmp_path):
    assert put_file(store, b"same") == put_file(store, b"same")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_uncommitted_file_is_removed(store, tmp_path):
    def receive_interrupted():
        with store.receive_file() as incoming:
            incoming.write(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        receive_interrupted()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def make_old(store, *files):
    for stored in files:
        os.utime(store.path(stored.sha256), (LONG_AGO, LONG_AGO))


def test_only_files_older_than_the_limit_are_listed(store):
    old, young = put_file(store, b"old"), put_file(store, b"young")
    make_old(store, old)
    assert list(store.list_files(before=LONG_AGO + 1)) == [old.sha256]
    assert store.has_file(young.sha256, 5)


def test_old_unfinished_upload_is_cleared(store, tmp_path):
    for name in ("old", "young"):
        (tmp_path / "incoming" / name).write_bytes(b"half")
    os.utime(tmp_path / "incoming" / "old", (LONG_AGO, LONG_AGO))
    assert store.clear_incoming(before=LONG_AGO + 1) == 1
    assert [path.name for path in (tmp_path / "incoming").iterdir()] == ["young"]


def test_a_killed_process_leaves_its_scratch_directory_only_where_it_is_swept(store, tmp_path):
    script = f"""
import os, signal
from pathlib import Path
from service.storage.artifact_store import ArtifactStore
with ArtifactStore(Path({str(tmp_path)!r})).create_scratch_directory() as directory:
    (directory / "model.keras").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    (tmp_path / "system").mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path / "system")}
    process = subprocess.run([sys.executable, "-c", script], env=environment, check=False)

    assert process.returncode == -signal.SIGKILL
    assert list((tmp_path / "system").iterdir()) == []
    [scratch] = (tmp_path / "incoming").iterdir()
    os.utime(scratch, (LONG_AGO, LONG_AGO))
    assert store.clear_incoming(before=LONG_AGO + 1) == 0, "its file is young"
    os.utime(scratch / "model.keras", (LONG_AGO, LONG_AGO))
    assert store.clear_incoming(before=LONG_AGO + 1) == 1
    assert list((tmp_path / "incoming").iterdir()) == []


def test_file_stored_again_is_new_and_is_not_removed(store):
    stored = put_file(store, b"again")
    make_old(store, stored)
    put_file(store, b"again")
    assert not store.remove(stored.sha256, before=LONG_AGO + 1)
    make_old(store, stored)
    assert store.remove(stored.sha256, before=LONG_AGO + 1)
    assert store.remove(stored.sha256, before=LONG_AGO + 1), "a missing file counts as removed"
    assert not stored.exists()


class TestReading:
    """Every file is verified when it is read."""

    def test_file_is_readable_within_the_block(self, store):
        stored = put_file(store, b"weights")
        for _ in range(2):
            with store.verified_path(stored.sha256) as path:
                assert path.read_bytes() == b"weights"

    @pytest.mark.parametrize("content", [b"weighty", b"weight", b""])
    def test_file_changed_after_its_verification_is_corrupt(self, store, content):
        stored = put_file(store, b"weights")
        with store.verified_path(stored.sha256) as path:
            pass
        path.write_bytes(content)
        with pytest.raises(CorruptFile), store.verified_path(stored.sha256):
            pass

    def test_missing_file_is_corrupt(self, store):
        stored = put_file(store, b"weights")
        store.path(stored.sha256).unlink()
        with pytest.raises(CorruptFile), store.verified_path(stored.sha256):
            pass

    def test_corrupt_file_is_repaired_by_storing_it_again(self, store):
        stored = put_file(store, b"weights")
        store.path(stored.sha256).write_bytes(b"changed")
        put_file(store, b"weights")
        with store.verified_path(stored.sha256) as path:
            assert path.read_bytes() == b"weights"


FAULTS = {"a new file": "tempfile.mkstemp", "fsync": "os.fsync", "rename": "pathlib.Path.replace"}


class TestFaults:
    """The disk fails during a write: no part of the file remains, and the next file is stored."""

    @pytest.mark.parametrize("fault", FAULTS)
    @pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, StorageFull), (errno.EIO, StorageError)])
    def test_disk_error_is_reported_and_leaves_no_file(self, store, tmp_path, monkeypatch, fault, number, kind):
        def fail(*_, **__):
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(FAULTS[fault], fail)
            with pytest.raises(StorageError, match=os.strerror(number)) as caught:
                put_file(store, b"weights")
        assert type(caught.value) is kind
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
        assert put_file(store, b"weights").exists()

    def test_file_above_a_size_limit_is_rejected_as_storage_full(self, tmp_path):
        """A file size limit of the process behaves like a full disk, except for the errno."""
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
                    with store.receive_file() as incoming:
                        for _ in range(size // 100):
                            incoming.write(bytes(100))
                        print(store.commit_file(incoming).bytes)
                except StorageFull as error:
                    print(error)
            """,
        )
        command = [sys.executable, "-c", script, str(tmp_path)]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert output.splitlines() == ["There is no room for the file: File too large.", "100"]
        assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
