"""Files in a bucket: a real server of S3's protocol, and the copies that are kept on the disk."""

import threading
import time

import obstore
import pytest
from obstore.store import S3Store

from service.errors import Damaged, FileGone, StorageError
from service.settings import Settings
from service.storage import file_references
from service.storage.store_factory import open_store


@pytest.fixture
def open_here(bucket, tmp_path):
    """The store, as a machine sees it that keeps its copies in a directory of its own."""

    def open_here(machine="here", most=2**30):
        return open_store(Settings(data_dir=tmp_path / machine, artifacts_cache=most, **bucket))

    return open_here


@pytest.fixture
def store(open_here):
    return open_here()


@pytest.fixture
def objects(bucket):
    """The bucket itself."""
    return S3Store.from_url(
        bucket["artifacts_url"],
        config={"endpoint": bucket["artifacts_endpoint"]},
        client_options={"allow_http": True},
    )


def put(store, content):
    with store.receive() as incoming:
        incoming.write(content)
        return store.keep(incoming)


def read(store, stored):
    with store.local(stored.sha256) as path:
        return path.read_bytes()


def key(stored):
    return f"sha256/{stored.sha256[:2]}/{stored.sha256}"


def test_what_one_machine_stores_another_reads(open_here):
    stored = put(open_here("here"), b"weights")
    assert stored.is_there()
    assert read(open_here("there"), stored) == b"weights"


def test_a_file_of_many_parts_arrives_whole(open_here):
    content = bytes(range(256)) * 50_000
    stored = put(open_here("here"), content)
    assert read(open_here("there"), stored) == content


def test_a_copy_is_read_without_asking_the_bucket(open_here, objects):
    stored = put(open_here("here"), b"weights")
    there = open_here("there")
    assert read(there, stored) == b"weights"
    obstore.delete(objects, key(stored))
    assert read(there, stored) == b"weights"


def test_a_copy_that_was_changed_is_replaced(store, stored_path):
    stored, path = stored_path(store)
    path.write_bytes(b"changed")
    assert read(store, stored) == b"weights"


@pytest.fixture
def stored_path():
    def stored_path(store):
        stored = put(store, b"weights")
        with store.local(stored.sha256) as path:
            return stored, path

    return stored_path


@pytest.mark.parametrize("content", [b"weighty", b"", None])
def test_an_object_that_is_not_what_it_is_named_or_is_gone_is_refused(open_here, objects, content):
    stored = put(open_here("here"), b"weights")
    if content is None:
        obstore.delete(objects, key(stored))
    else:
        obstore.put(objects, key(stored), content)
    there = open_here("there")
    with pytest.raises(Damaged):
        read(there, stored)
    put(open_here("here"), b"weights")
    assert read(there, stored) == b"weights", "stored again, it is whole again"


def test_copies_take_up_no_more_than_they_may_but_for_those_that_are_read(open_here, tmp_path):
    store = open_here(most=250)
    first, second, third = (put(store, b"%d" % number * 100) for number in range(3))
    there = open_here("there", most=250)
    with there.local(first.sha256) as held:
        for stored in (second, third, second, third):
            assert len(read(there, stored)) == 100
        assert held.read_bytes() == b"0" * 100
        assert len(list((tmp_path / "there" / "cache").glob("*/*"))) == 2
    read(there, second)
    read(there, third)
    assert {path.name for path in (tmp_path / "there" / "cache").glob("*/*")} == {second.sha256, third.sha256}


def test_many_threads_read_what_there_is_no_room_for_together(open_here):
    made = [put(open_here("here"), b"%d" % number * 100) for number in range(6)]
    there, wrong = open_here("there", most=150), []

    def look():
        for number, stored in list(enumerate(made)) * 5:
            if read(there, stored) != b"%d" % number * 100:
                wrong.append(number)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_files_that_nobody_names_go_from_the_bucket(store, either_sessions):
    named, stray = put(store, b"named"), put(store, b"stray")
    assert set(store.strays(before=time.time() + 60)) == {named.sha256, stray.sha256}
    assert list(store.strays(before=time.time() - 60)) == []
    with either_sessions.begin() as session:
        file_references.discard(session, [stray.sha256])
    assert file_references.collect(either_sessions, store, grace_s=-60) == 1
    assert named.is_there()
    assert not stray.is_there()
    with pytest.raises(FileGone), either_sessions.begin() as session:
        file_references.adopt(session, [stray])


def test_a_bucket_that_is_not_there_says_so(open_here, bucket):
    bucket["artifacts_url"] = "s3://nobody-made-this"
    with pytest.raises(StorageError, match="does not answer as it should"):
        put(open_here(), b"weights")


def test_what_is_no_bucket_is_refused_at_the_start(tmp_path):
    with pytest.raises(ValueError, match="expected s3://BUCKET"):
        open_store(Settings(data_dir=tmp_path, artifacts_url="https://bucket"))
