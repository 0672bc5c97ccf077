"""Backups: whole, of one moment, however much happens meanwhile; and restored whole or not at all."""

import io
import json
import sqlite3
import tarfile
import threading

import pytest

from models import Artifact, JobState
from service import backup
from service.backup import BackupError
from service.db.database import Sessions
from service.jobs import attempts, jobs
from service.jobs.attempts import Conclusion, MadeArtifact
from service.settings import Settings
from service.storage import file_references
from service.storage.artifact_store import ArtifactStore
from tests.factories import submit


def publish(sessions, store, content):
    job = submit(sessions)
    with store.receive() as incoming:
        incoming.write(content)
        stored = store.keep(incoming)
    with sessions.begin() as session:
        mine = attempts.claim(session, queue="cpu", worker="here:1", lease_s=60)
        made = MadeArtifact("model", "application/octet-stream", stored)
        attempts.conclude(session, mine, Conclusion(JobState.SUCCEEDED, artifacts=[made]))
    return job.id, stored


@pytest.fixture
def installation(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path)  # where the fixtures have their database and their store


@pytest.fixture
def restored(tmp_path):
    """What a backup restores, as a new installation."""

    def restored(file):
        other = Settings(data_dir=tmp_path / "restored" / file.name)
        return other, backup.restore(other, file)

    return restored


def test_what_is_restored_is_what_there_was(installation, sessions, store, restored, tmp_path):
    job_id, stored = publish(sessions, store, b"weights")
    submit(sessions)
    file = tmp_path / "backup.tar"
    made = backup.create(installation, file)
    assert (made.jobs, made.files, made.bytes, made.damaged) == (2, 1, 7, ())
    assert file.stat().st_mode & 0o777 == 0o600
    other, contents = restored(file)
    assert contents == made
    there = Sessions(other.database)
    with there.begin() as session:
        assert jobs.get(session, job_id).state is JobState.SUCCEEDED
        assert session.query(Artifact).one().sha256 == stored.sha256
    there.dispose()
    with ArtifactStore(other.data_dir).local(stored.sha256) as path:
        assert path.read_bytes() == b"weights"
    assert sorted(path.name for path in tmp_path.iterdir() if "part" in path.name) == []


def test_every_backup_is_of_one_moment_while_jobs_come_and_go(installation, sessions, store, restored, tmp_path):
    stop, alive = threading.Event(), []

    def live():
        number = 0
        while not stop.is_set():
            number += 1
            alive.append(publish(sessions, store, b"model %d" % number)[0])
            if len(alive) > 5:
                with sessions.begin() as session:
                    jobs.remove(session, alive.pop(0))
            file_references.collect(sessions, store, grace_s=0.5)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        made = [backup.create(installation, tmp_path / f"{number}.tar") for number in range(6)]
    finally:
        stop.set()
        thread.join()
    assert [contents.damaged for contents in made] == [()] * 6
    assert [restored(tmp_path / f"{number}.tar")[1] for number in range(6)] == made
    assert made[-1].files > 0


def test_a_file_that_goes_between_the_database_and_the_files_makes_it_begin_anew(
    installation, sessions, store, tmp_path, monkeypatch
):
    kept, (gone, stored) = publish(sessions, store, b"kept"), publish(sessions, store, b"gone")
    del kept
    copy = backup.create.__globals__["_copy_database"]

    def copy_and_delete(source, target):
        copy(source, target)
        if store.path(stored.sha256).exists():
            with sessions.begin() as session:
                jobs.remove(session, gone)
            store.path(stored.sha256).unlink()

    monkeypatch.setitem(backup.create.__globals__, "_copy_database", copy_and_delete)
    made = backup.create(installation, tmp_path / "backup.tar")
    assert (made.jobs, made.files, made.damaged) == (1, 1, ())


@pytest.mark.parametrize("content", [b"weighty", None])
def test_a_damaged_file_is_named_and_the_rest_is_backed_up(installation, sessions, store, restored, tmp_path, content):
    publish(sessions, store, b"right")
    _, damaged = publish(sessions, store, b"weights")
    path = store.path(damaged.sha256)
    path.unlink() if content is None else path.write_bytes(content)
    made = backup.create(installation, tmp_path / "backup.tar")
    assert (made.files, made.damaged) == (1, (damaged.sha256,))
    assert restored(tmp_path / "backup.tar")[1] == made


@pytest.fixture
def whole(installation, sessions, store, tmp_path):
    publish(sessions, store, b"weights" * 5000)
    backup.create(installation, tmp_path / "backup.tar")
    return tmp_path / "backup.tar"


def truncated(content):
    return content[: len(content) // 2]


def bit_of_a_model_flipped(content):
    place = content.index(b"weightsweights") + 10_000
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def bit_of_the_database_flipped(content):
    place = content.index(b"SQLite format 3") + 60_000
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def without(name):
    def change(content):
        changed = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=changed, mode="w") as new:
            for entry in old:
                if not entry.name.startswith(name):
                    new.addfile(entry, old.extractfile(entry))
        return changed.getvalue()

    return change


def with_entry(name):
    def change(content):
        changed = io.BytesIO(content)
        with tarfile.open(fileobj=changed, mode="a") as archive:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        return changed.getvalue()

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (truncated, "unexpected end of data"),
        (bit_of_a_model_flipped, "sha256/.* is not what its SHA-256 says"),
        (bit_of_the_database_flipped, "stackyard.db is not what its SHA-256 says"),
        (without("sha256/"), "1 files are missing"),
        (without("stackyard.db"), "no database"),
        (without("manifest.json"), "does not begin with a manifest"),
        (with_entry("../../elsewhere"), "has an entry '../../elsewhere'"),
        (with_entry("/elsewhere"), "has an entry '/elsewhere'"),
        (with_entry("sha256/ab/cd"), "has an entry 'sha256/ab/cd'"),
        (lambda _: b"no backup", "not a whole backup"),
        (lambda _: b"", "not a whole backup"),
    ],
)
def test_what_is_not_whole_is_not_restored_and_leaves_nothing(whole, tmp_path, change, why):
    whole.write_bytes(change(whole.read_bytes()))
    place = tmp_path / "restored"
    with pytest.raises(BackupError, match=why):
        backup.restore(Settings(data_dir=place), whole)
    assert not place.exists()


def test_a_directory_that_is_not_empty_is_left_as_it_is(whole, installation, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BackupError, match="not empty"):
        backup.restore(installation, whole)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_empty_directory_is_filled(whole, tmp_path):
    place = tmp_path / "mounted"
    (place / "lost+found").mkdir(parents=True)
    assert backup.restore(Settings(data_dir=place), whole).files == 1


def test_a_file_that_is_there_is_not_overwritten(whole, installation):
    with pytest.raises(BackupError, match="is there already"):
        backup.create(installation, whole)


def test_a_disk_without_room_leaves_no_half_backup(installation, sessions, store, tmp_path, monkeypatch):
    publish(sessions, store, b"weights")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", fail)
    with pytest.raises(BackupError, match="No space left"):
        backup.create(installation, tmp_path / "backup.tar")
    assert not list(tmp_path.glob("backup.tar*"))
    assert not (tmp_path / "backup.part").exists()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"database_url": "postgresql+psycopg://localhost/stackyard"}, "pg_dump"),
        ({"artifacts_url": "s3://bucket"}, "bucket"),
    ],
)
def test_a_team_server_is_backed_up_by_other_means(tmp_path, settings, why):
    with pytest.raises(BackupError, match=why):
        backup.create(Settings(data_dir=tmp_path, **settings), tmp_path / "backup.tar")


def test_the_database_in_a_backup_needs_no_other_file(whole):
    with tarfile.open(whole) as archive:
        assert json.load(archive.extractfile("manifest.json"))["format"] == 1
        content = archive.extractfile("stackyard.db").read()
    with sqlite3.connect(":memory:") as database:
        database.deserialize(content)
        assert database.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
