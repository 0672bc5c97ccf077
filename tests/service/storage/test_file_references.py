"""Garbage collection of files, on both databases: unreferenced files are removed, and referenced ones never."""

import os
import threading
import time

import pytest

from models import Artifact, Checkpoint, DiscardedFile, JobState
from service.datasets import catalog
from service.datasets.dataset_source import CSV
from service.db.database import get_current_time
from service.errors import FileRemoved, StorageError
from service.jobs import attempts, controls, queries
from service.jobs.attempts import Conclusion, StoredArtifact
from service.storage import file_references
from service.storage.artifact_store import ArtifactStore
from stackyard.spec import ColumnDescription, TableDescription
from tests.factories import submit_job

LONG_AGO = time.time() - 7200
TABLE = TableDescription(rows=2, columns=[ColumnDescription(name="a", type="integer", missing=0, categories=[1])])


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path / "files")


@pytest.fixture
def put_old_file(store):
    """Return a function that stores a file and makes it old."""

    def put_old_file(content):
        with store.receive_file() as incoming:
            incoming.write(content)
            stored = store.commit_file(incoming)
        os.utime(store.path(stored.sha256), (LONG_AGO, LONG_AGO))
        return stored

    return put_old_file


def publish_model(sessions, stored):
    """Submit a job, and conclude it with this file as its model."""
    job = submit_job(sessions)
    with sessions.begin() as session:
        claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
        artifact = StoredArtifact("model", "application/octet-stream", stored)
        attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED, artifacts=[artifact]))
    return job


def remove_job(sessions, job):
    with sessions.begin() as session:
        controls.delete_job(session, job.id)


def collect_files(sessions, store, grace_s=0.0):
    return file_references.garbage_collect(sessions, store, grace_s=grace_s)


def list_discarded(sessions):
    with sessions.read() as session:
        return {row.sha256 for row in session.query(DiscardedFile)}


class TestDeletedJobs:
    def test_files_of_a_deleted_job_are_removed(self, either_sessions, store, put_old_file):
        stored = put_old_file(b"model")
        remove_job(either_sessions, publish_model(either_sessions, stored))
        assert list_discarded(either_sessions) == {stored.sha256}
        assert collect_files(either_sessions, store) == 1
        assert not stored.exists()
        assert list_discarded(either_sessions) == set()

    def test_files_stay_for_the_grace_period(self, either_sessions, store, put_old_file):
        stored = put_old_file(b"model")
        remove_job(either_sessions, publish_model(either_sessions, stored))
        assert collect_files(either_sessions, store, grace_s=60) == 0
        assert stored.exists()

    def test_shared_file_is_removed_with_its_last_job(self, either_sessions, store, put_old_file):
        stored = put_old_file(b"the same model")
        first, second = publish_model(either_sessions, stored), publish_model(either_sessions, stored)
        remove_job(either_sessions, first)
        assert collect_files(either_sessions, store) == 0
        assert stored.exists()
        remove_job(either_sessions, second)
        assert collect_files(either_sessions, store) == 1

    def test_checkpoint_of_a_deleted_running_job_is_removed(self, either_sessions, store, put_old_file):
        stored = put_old_file(b"checkpoint")
        job = submit_job(either_sessions)
        with either_sessions.begin() as session:
            claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
            row = Checkpoint(job_id=job.id, sha256=stored.sha256, bytes=stored.bytes, attempt=claim.attempt)
            row.epoch, row.step, row.created_at = 3, 0, get_current_time(session)
            session.add(row)
            file_references.unreference_files(session, [stored.sha256])
        assert collect_files(either_sessions, store) == 0, "the job still references its checkpoint"
        remove_job(either_sessions, job)
        assert collect_files(either_sessions, store) == 1
        assert not stored.exists()

    def test_grace_period_restarts_when_a_file_is_unreferenced_again(self, either_sessions, store, put_old_file):
        stored = put_old_file(b"model")
        with either_sessions.begin() as session:
            file_references.unreference_files(session, [stored.sha256])
            session.query(DiscardedFile).update({"discarded_at": get_current_time(session).replace(year=2000)})
        with either_sessions.begin() as session:
            file_references.unreference_files(session, [stored.sha256])
        assert collect_files(either_sessions, store, grace_s=60) == 0
        assert stored.exists()

    def test_one_round_removes_more_files_than_one_transaction(self, either_sessions, store, put_old_file):
        with either_sessions.begin() as session:
            file_references.unreference_files(session, [put_old_file(b"%d" % number).sha256 for number in range(45)])
        assert collect_files(either_sessions, store) == 45


class TestDatasets:
    def test_file_of_a_deleted_dataset_is_removed_unless_another_has_it(self, either_sessions, store, put_old_file):
        stored = put_old_file(b"rows")
        dataset_ids = []
        for name in ("first", "second"):
            with either_sessions.begin() as session:
                dataset_ids.append(catalog.add_dataset(session, name, CSV, stored, TABLE)[0].id)
        for dataset_id, removed in zip(dataset_ids, (0, 1), strict=True):
            with either_sessions.begin() as session:
                catalog.delete_dataset(session, dataset_id)
            assert collect_files(either_sessions, store) == removed


class TestReferencedFiles:
    def test_file_that_is_referenced_again_is_kept(self, either_sessions, store, put_old_file):
        stored = put_old_file(b"model")
        remove_job(either_sessions, publish_model(either_sessions, stored))
        publish_model(either_sessions, stored)
        assert list_discarded(either_sessions) == set()
        assert collect_files(either_sessions, store) == 0
        assert stored.exists()

    def test_file_that_was_just_stored_again_is_kept(self, either_sessions, store, put_old_file):
        stored = put_old_file(b"model")
        remove_job(either_sessions, publish_model(either_sessions, stored))
        os.utime(store.path(stored.sha256))
        with either_sessions.begin() as session:
            session.query(DiscardedFile).update({"discarded_at": get_current_time(session).replace(year=2000)})
        assert collect_files(either_sessions, store, grace_s=60) == 0
        assert stored.exists()
        assert list_discarded(either_sessions) == {stored.sha256}, "it is checked again later"

    def test_removed_file_cannot_be_referenced(self, either_sessions, store, put_old_file):
        stored = put_old_file(b"model")
        with either_sessions.begin() as session:
            file_references.unreference_files(session, [stored.sha256])
        assert collect_files(either_sessions, store) == 1
        with pytest.raises(FileRemoved):
            publish_model(either_sessions, stored)
        with either_sessions.read() as session:
            assert session.query(Artifact).count() == 0

    def test_referencing_a_file_during_its_removal_fails(self, either_sessions, store, put_old_file, monkeypatch):
        """The collector locks the file's row while it removes the file; the publisher waits for it."""
        stored = put_old_file(b"model")
        job = submit_job(either_sessions)
        with either_sessions.begin() as session:
            claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
            file_references.unreference_files(session, [stored.sha256])
        removing, proceed = threading.Event(), threading.Event()
        remove = store.remove

        def remove_slowly(sha256, *, before):
            removing.set()
            proceed.wait(30)
            return remove(sha256, before=before)

        monkeypatch.setattr(store, "remove", remove_slowly)
        collector = threading.Thread(target=collect_files, args=(either_sessions, store))
        collector.start()
        assert removing.wait(30)
        outcomes = []

        def publish():
            artifact = StoredArtifact("model", "application/octet-stream", stored)
            try:
                with either_sessions.begin() as session:
                    attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED, artifacts=[artifact]))
            except FileRemoved:
                outcomes.append("removed")
            else:
                outcomes.append("referenced")

        publisher = threading.Thread(target=publish)
        publisher.start()
        publisher.join(0.2)
        assert outcomes == [], "the publisher waits"
        proceed.set()
        publisher.join()
        collector.join()
        assert outcomes == ["removed"]
        with either_sessions.read() as session:
            assert queries.get_job(session, job.id).state is JobState.RUNNING


class TestOrphans:
    def test_orphan_is_marked_and_then_removed(self, either_sessions, store, put_old_file):
        referenced, orphan = put_old_file(b"referenced"), put_old_file(b"orphan")
        publish_model(either_sessions, referenced)
        assert file_references.mark_orphans(either_sessions, store, min_age_s=3600) == 1
        assert list_discarded(either_sessions) == {orphan.sha256}
        assert file_references.mark_orphans(either_sessions, store, min_age_s=3600) == 0
        assert collect_files(either_sessions, store) == 1
        assert referenced.exists()
        assert not orphan.exists()

    def test_new_file_is_not_an_orphan(self, either_sessions, store, put_old_file):
        stored = put_old_file(b"new")
        os.utime(store.path(stored.sha256))
        assert file_references.mark_orphans(either_sessions, store, min_age_s=3600) == 0


def test_file_that_cannot_be_removed_does_not_block_others(either_sessions, store, put_old_file, monkeypatch):
    stuck, other = put_old_file(b"stuck"), put_old_file(b"other")
    with either_sessions.begin() as session:
        file_references.unreference_files(session, [stuck.sha256, other.sha256])
        session.query(DiscardedFile).update({"discarded_at": get_current_time(session).replace(year=2000)})
    remove = store.remove

    def fail(sha256, *, before):
        if sha256 == stuck.sha256:
            raise StorageError("A file could not be stored or read: Input/output error.")
        return remove(sha256, before=before)

    monkeypatch.setattr(store, "remove", fail)
    assert collect_files(either_sessions, store, grace_s=60) == 1
    assert list_discarded(either_sessions) == {stuck.sha256}
