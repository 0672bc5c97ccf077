"""The store of files by content."""

import hashlib
import os
import time

import pytest

from service.artifacts import ArtifactStore


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


def test_the_sweep_takes_only_what_is_old_and_unnamed(store, tmp_path):
    named, unnamed, young = (put(store, content) for content in (b"named", b"unnamed", b"young"))
    leftover = tmp_path / "incoming" / "leftover"
    leftover.write_bytes(b"half an upload")
    long_ago = time.time() - 7200
    for path in (store.path(named.sha256), store.path(unnamed.sha256), leftover):
        os.utime(path, (long_ago, long_ago))
    assert store.sweep(frozenset({named.sha256}), before=time.time() - 3600) == 2
    assert store.path(named.sha256).exists()
    assert store.path(young.sha256).exists()
    assert not store.path(unnamed.sha256).exists()
    assert not leftover.exists()


def test_an_old_file_that_is_stored_again_is_young_again(store):
    stored = put(store, b"again")
    long_ago = time.time() - 7200
    os.utime(store.path(stored.sha256), (long_ago, long_ago))
    put(store, b"again")
    assert store.sweep(frozenset(), before=time.time() - 3600) == 0
