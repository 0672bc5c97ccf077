"""The store in a bucket: a real S3 server, and the local copies."""

import threading
import time

import obstore
import pytest
from obstore.store import S3Store

from service.errors import CorruptFile, FileRemoved, StorageError
from service.settings import Settings
from service.storage import file_references
from service.storage.store_factory import open_store


@pytest.fixture
def open_machine_store(bucket, tmp_path):
    """Return a function that opens the store on a machine, which has its own directory of copies."""

    def open_machine_store(machine="first", max_bytes=2**30):
        return open_store(Settings(data_dir=tmp_path / machine, artifacts_cache=max_bytes, **bucket))

    return open_machine_store


@pytest.fixture
def store(open_machine_store):
    return open_machine_store()


@pytest.fixture
def objects(bucket):
    """The bucket."""
    return S3Store.from_url(
        bucket["artifacts_url"],
        config={"endpoint": bucket["artifacts_endpoint"]},
        client_options={"allow_http": True},
    )


def put_file(store, content):
    with store.receive_file() as incoming:
        incoming.write(content)
        return store.commit_file(incoming)


def read_file(store, stored):
    with store.verified_path(stored.sha256) as path:
        return path.read_bytes()


def build_key(stored):
    return f"sha256/{stored.sha256[:2]}/{stored.sha256}"


def test_file_stored_on_one_machine_is_readable_on_another(open_machine_store):
    stored = put_file(open_machine_store("first"), b"weights")
    assert stored.exists()
    assert read_file(open_machine_store("second"), stored) == b"weights"


def test_file_of_many_parts_is_complete(open_machine_store):
    content = bytes(range(256)) * 50_000
    stored = put_file(open_machine_store("first"), content)
    assert read_file(open_machine_store("second"), stored) == content


def test_copy_is_read_without_the_bucket(open_machine_store, objects):
    stored = put_file(open_machine_store("first"), b"weights")
    other_machine = open_machine_store("second")
    assert read_file(other_machine, stored) == b"weights"
    obstore.delete(objects, build_key(stored))
    assert read_file(other_machine, stored) == b"weights"


def test_corrupt_copy_is_replaced(store):
    stored = put_file(store, b"weights")
    with store.verified_path(stored.sha256) as path:
        pass
    path.write_bytes(b"changed")
    assert read_file(store, stored) == b"weights"


@pytest.mark.parametrize("content", [b"weighty", b"", None])
def test_corrupt_or_missing_object_is_rejected(open_machine_store, objects, content):
    stored = put_file(open_machine_store("first"), b"weights")
    if content is None:
        obstore.delete(objects, build_key(stored))
    else:
        obstore.put(objects, build_key(stored), content)
    other_machine = open_machine_store("second")
    with pytest.raises(CorruptFile):
        read_file(other_machine, stored)
    put_file(open_machine_store("first"), b"weights")
    assert read_file(other_machine, stored) == b"weights", "storing it again repairs it"


def test_size_of_copies_is_limited_except_for_those_being_read(open_machine_store, tmp_path):
    store = open_machine_store(max_bytes=250)
    first, second, third = (put_file(store, b"%d" % number * 100) for number in range(3))
    other_machine = open_machine_store("second", max_bytes=250)
    with other_machine.verified_path(first.sha256) as path:
        for stored in (second, third, second, third):
            assert len(read_file(other_machine, stored)) == 100
        assert path.read_bytes() == b"0" * 100
        assert len(list((tmp_path / "second" / "cache").glob("*/*"))) == 2
    read_file(other_machine, second)
    read_file(other_machine, third)
    assert {path.name for path in (tmp_path / "second" / "cache").glob("*/*")} == {second.sha256, third.sha256}


def test_threads_read_more_files_than_fit_in_the_cache(open_machine_store):
    files = [put_file(open_machine_store("first"), b"%d" % number * 100) for number in range(6)]
    other_machine, mismatches = open_machine_store("second", max_bytes=150), []

    def read_files():
        for number, stored in list(enumerate(files)) * 5:
            if read_file(other_machine, stored) != b"%d" % number * 100:
                mismatches.append(number)

    threads = [threading.Thread(target=read_files) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mismatches == []


def test_orphans_are_removed_from_the_bucket(store, either_sessions):
    referenced, orphan = put_file(store, b"referenced"), put_file(store, b"orphan")
    assert set(store.list_files(before=time.time() + 60)) == {referenced.sha256, orphan.sha256}
    assert list(store.list_files(before=time.time() - 60)) == []
    with either_sessions.begin() as session:
        file_references.unreference_files(session, [orphan.sha256])
    assert file_references.garbage_collect(either_sessions, store, grace_s=-60) == 1
    assert referenced.exists()
    assert not orphan.exists()
    with pytest.raises(FileRemoved), either_sessions.begin() as session:
        file_references.reference_files(session, [orphan])


def test_missing_bucket_raises_storage_error(open_machine_store, bucket):
    bucket["artifacts_url"] = "s3://missing-bucket"
    with pytest.raises(StorageError, match="The object store failed"):
        put_file(open_machine_store(), b"weights")


def test_url_that_is_not_a_bucket_is_rejected_at_the_start(tmp_path):
    with pytest.raises(ValueError, match="expected s3://BUCKET"):
        open_store(Settings(data_dir=tmp_path, artifacts_url="https://bucket"))
