"""Files whose rows come and go, on both databases: nobody's are removed, and somebody's never."""

import os
import threading
import time

import pytest

from models import Artifact, Checkpoint, DiscardedFile, JobState
from service.datasets import catalog
from service.datasets.dataset_source import CSV
from service.db.database import now
from service.errors import FileGone, StorageError
from service.jobs import attempts, jobs
from service.jobs.attempts import Conclusion, MadeArtifact
from service.storage import file_references
from service.storage.artifact_store import ArtifactStore
from stackyard.spec import ColumnDescription, TableDescription
from tests.factories import submit

LONG_AGO = time.time() - 7200
TABLE = TableDescription(rows=2, columns=[ColumnDescription(name="a", type="integer", missing=0, categories=[1])])


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "files")


@pytest.fixture
def put(store):
    """A file that was stored long ago."""

    def put(content):
        with store.receive() as incoming:
            incoming.write(content)
            stored = store.keep(incoming)
        os.utime(store.path(stored.sha256), (LONG_AGO, LONG_AGO))
        return stored

    return put


def publish(sessions, stored):
    """A job that has succeeded, with this file as its model."""
    job = submit(sessions)
    with sessions.begin() as session:
        mine = attempts.claim(session, queue="cpu", worker="here:1", lease_s=60)
        made = MadeArtifact("model", "application/octet-stream", stored)
        attempts.conclude(session, mine, Conclusion(JobState.SUCCEEDED, artifacts=[made]))
    return job


def remove(sessions, job):
    with sessions.begin() as session:
        jobs.remove(session, job.id)


def collect(sessions, store, grace_s=0.0):
    return file_references.collect(sessions, store, grace_s=grace_s)


def discarded(sessions):
    with sessions.read() as session:
        return {row.sha256 for row in session.query(DiscardedFile)}


class TestDeletedJobs:
    def test_the_files_of_a_deleted_job_go_and_leave_no_note(self, either_sessions, store, put):
        stored = put(b"model")
        remove(either_sessions, publish(either_sessions, stored))
        assert discarded(either_sessions) == {stored.sha256}
        assert collect(either_sessions, store) == 1
        assert not stored.is_there()
        assert discarded(either_sessions) == set()

    def test_they_stay_for_as_long_as_a_transaction_may_last(self, either_sessions, store, put):
        stored = put(b"model")
        remove(either_sessions, publish(either_sessions, stored))
        assert collect(either_sessions, store, grace_s=60) == 0
        assert stored.is_there()

    def test_a_file_that_two_jobs_made_goes_with_the_second(self, either_sessions, store, put):
        stored = put(b"the same model")
        first, second = publish(either_sessions, stored), publish(either_sessions, stored)
        remove(either_sessions, first)
        assert collect(either_sessions, store) == 0
        assert stored.is_there()
        remove(either_sessions, second)
        assert collect(either_sessions, store) == 1

    def test_the_checkpoint_of_a_job_that_runs_goes_too(self, either_sessions, store, put):
        stored = put(b"checkpoint")
        job = submit(either_sessions)
        with either_sessions.begin() as session:
            mine = attempts.claim(session, queue="cpu", worker="here:1", lease_s=60)
            row = Checkpoint(job_id=job.id, sha256=stored.sha256, bytes=stored.bytes, attempt=mine.attempt)
            row.epoch, row.step, row.created_at = 3, 0, now(session)
            session.add(row)
            file_references.discard(session, [stored.sha256])
        assert collect(either_sessions, store) == 0, "the job is there, and takes it up again"
        remove(either_sessions, job)
        assert collect(either_sessions, store) == 1
        assert not stored.is_there()

    def test_what_is_discarded_again_stays_for_as_long_again(self, either_sessions, store, put):
        stored = put(b"model")
        with either_sessions.begin() as session:
            file_references.discard(session, [stored.sha256])
            session.query(DiscardedFile).update({"discarded_at": now(session).replace(year=2000)})
        with either_sessions.begin() as session:
            file_references.discard(session, [stored.sha256])
        assert collect(either_sessions, store, grace_s=60) == 0
        assert stored.is_there()

    def test_more_than_one_transaction_takes_all_go_in_one_round(self, either_sessions, store, put):
        with either_sessions.begin() as session:
            file_references.discard(session, [put(b"%d" % number).sha256 for number in range(45)])
        assert collect(either_sessions, store) == 45


class TestDatasets:
    def test_the_file_of_a_deleted_dataset_goes_unless_another_version_has_it(self, either_sessions, store, put):
        stored = put(b"rows")
        made = []
        for name in ("first", "second"):
            with either_sessions.begin() as session:
                made.append(catalog.add(session, name, CSV, stored, TABLE)[0].id)
        for dataset_id, gone in zip(made, (0, 1), strict=True):
            with either_sessions.begin() as session:
                catalog.delete(session, dataset_id)
            assert collect(either_sessions, store) == gone


class TestSomebodys:
    def test_a_file_that_is_named_again_is_kept(self, either_sessions, store, put):
        stored = put(b"model")
        remove(either_sessions, publish(either_sessions, stored))
        publish(either_sessions, stored)
        assert discarded(either_sessions) == set()
        assert collect(either_sessions, store) == 0
        assert stored.is_there()

    def test_a_file_that_was_just_stored_again_is_kept_for_whoever_did(self, either_sessions, store, put):
        stored = put(b"model")
        remove(either_sessions, publish(either_sessions, stored))
        os.utime(store.path(stored.sha256))
        with either_sessions.begin() as session:
            session.query(DiscardedFile).update({"discarded_at": now(session).replace(year=2000)})
        assert collect(either_sessions, store, grace_s=60) == 0
        assert stored.is_there()
        assert discarded(either_sessions) == {stored.sha256}, "it is looked at again later"

    def test_a_file_that_was_taken_away_before_it_was_named_is_not_named(self, either_sessions, store, put):
        stored = put(b"model")
        with either_sessions.begin() as session:
            file_references.discard(session, [stored.sha256])
        assert collect(either_sessions, store) == 1
        with pytest.raises(FileGone):
            publish(either_sessions, stored)
        with either_sessions.read() as session:
            assert session.query(Artifact).count() == 0

    def test_who_names_a_file_while_it_is_taken_away_hears_of_it(self, either_sessions, store, put, monkeypatch):
        """The collector holds the file's row while it removes the file; the publisher waits for it."""
        stored = put(b"model")
        job = submit(either_sessions)
        with either_sessions.begin() as session:
            mine = attempts.claim(session, queue="cpu", worker="here:1", lease_s=60)
            file_references.discard(session, [stored.sha256])
        removing, go_on = threading.Event(), threading.Event()
        remove = store.remove

        def slowly(sha256, *, before):
            removing.set()
            go_on.wait(30)
            return remove(sha256, before=before)

        monkeypatch.setattr(store, "remove", slowly)
        collector = threading.Thread(target=collect, args=(either_sessions, store))
        collector.start()
        assert removing.wait(30)
        outcomes = []

        def name_it():
            made = MadeArtifact("model", "application/octet-stream", stored)
            try:
                with either_sessions.begin() as session:
                    attempts.conclude(session, mine, Conclusion(JobState.SUCCEEDED, artifacts=[made]))
            except FileGone:
                outcomes.append("gone")
            else:
                outcomes.append("named")

        publisher = threading.Thread(target=name_it)
        publisher.start()
        publisher.join(0.2)
        assert outcomes == [], "the publisher waits"
        go_on.set()
        publisher.join()
        collector.join()
        assert outcomes == ["gone"]
        with either_sessions.read() as session:
            assert jobs.get(session, job.id).state is JobState.RUNNING


class TestStrays:
    def test_what_lies_there_and_is_nobodys_is_discarded_and_then_goes(self, either_sessions, store, put):
        named, stray = put(b"named"), put(b"stray")
        publish(either_sessions, named)
        assert file_references.sweep(either_sessions, store, young_s=3600) == 1
        assert discarded(either_sessions) == {stray.sha256}
        assert file_references.sweep(either_sessions, store, young_s=3600) == 0
        assert collect(either_sessions, store) == 1
        assert named.is_there()
        assert not stray.is_there()

    def test_the_young_are_left_alone(self, either_sessions, store, put):
        stray = put(b"stray")
        os.utime(store.path(stray.sha256))
        assert file_references.sweep(either_sessions, store, young_s=3600) == 0


def test_a_store_that_does_not_answer_keeps_no_other_file_waiting(either_sessions, store, put, monkeypatch):
    stuck, other = put(b"stuck"), put(b"other")
    with either_sessions.begin() as session:
        file_references.discard(session, [stuck.sha256, other.sha256])
        session.query(DiscardedFile).update({"discarded_at": now(session).replace(year=2000)})
    remove = store.remove

    def fail(sha256, *, before):
        if sha256 == stuck.sha256:
            raise StorageError("A file could not be stored or read: Input/output error.")
        return remove(sha256, before=before)

    monkeypatch.setattr(store, "remove", fail)
    assert collect(either_sessions, store, grace_s=60) == 1
    assert discarded(either_sessions) == {stuck.sha256}
