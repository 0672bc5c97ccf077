"""Backups are complete and consistent while jobs run, and are restored completely or not at all."""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import threading
from pathlib import Path
from random import Random

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from models import Artifact, JobState, TokenKind, UserRole
from service import backup
from service.backup import BackupError
from service.backup.__main__ import main
from service.db.database import SessionFactory
from service.jobs import attempts, controls, queries
from service.jobs.attempts import Conclusion, StoredArtifact
from service.settings import Settings
from service.storage import file_references
from service.storage.artifact_store import ArtifactStore
from service.team import authentication, projects, tokens, users
from tests.factories import submit_job


def publish_model(sessions, store, content):
    job = submit_job(sessions)
    with store.receive_file() as incoming:
        incoming.write(content)
        stored = store.commit_file(incoming)
    with sessions.begin() as session:
        claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
        artifact = StoredArtifact("model", "application/octet-stream", stored)
        attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED, artifacts=[artifact]))
    return job.id, stored


@pytest.fixture
def installation(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path)  # the directory of the fixtures' database and store


@pytest.fixture
def restore_backup(tmp_path):
    """Return a function that restores a backup as a new installation."""

    def restore_backup(file):
        settings = Settings(data_dir=tmp_path / "restored" / file.name)
        return settings, backup.restore_backup(settings, file)

    return restore_backup


def test_restored_installation_equals_the_original(installation, sessions, store, restore_backup, tmp_path):
    job_id, stored = publish_model(sessions, store, b"weights")
    submit_job(sessions)
    file = tmp_path / "backup.tar"
    created = backup.create_backup(installation, file)
    assert (created.jobs, created.files, created.bytes, created.damaged) == (2, 1, 7, ())
    assert file.stat().st_mode & 0o777 == 0o600
    settings, contents = restore_backup(file)
    assert contents == created
    restored_sessions = SessionFactory(settings.resolved_database_url)
    with restored_sessions.begin() as session:
        assert queries.get_job(session, job_id).state is JobState.SUCCEEDED
        assert session.query(Artifact).one().sha256 == stored.sha256
    restored_sessions.dispose()
    with ArtifactStore(settings.data_dir).verified_path(stored.sha256) as path:
        assert path.read_bytes() == b"weights"
    assert sorted(path.name for path in tmp_path.iterdir() if "part" in path.name) == []


def test_backups_are_consistent_while_jobs_are_added_and_deleted(
    installation, sessions, store, restore_backup, tmp_path
):
    stop, job_ids = threading.Event(), []

    def run_jobs():
        number = 0
        while not stop.is_set():
            number += 1
            job_ids.append(publish_model(sessions, store, b"model %d" % number)[0])
            if len(job_ids) > 5:
                with sessions.begin() as session:
                    controls.delete_job(session, job_ids.pop(0))
            file_references.garbage_collect(sessions, store, grace_s=0.5)

    thread = threading.Thread(target=run_jobs)
    thread.start()
    try:
        backups = [backup.create_backup(installation, tmp_path / f"{number}.tar") for number in range(6)]
    finally:
        stop.set()
        thread.join()
    assert [contents.damaged for contents in backups] == [()] * 6
    assert [restore_backup(tmp_path / f"{number}.tar")[1] for number in range(6)] == backups
    assert backups[-1].files > 0


def test_file_deleted_after_the_copy_of_the_database_restarts_the_backup(
    installation, sessions, store, tmp_path, monkeypatch
):
    publish_model(sessions, store, b"kept")
    deleted_job_id, deleted_file = publish_model(sessions, store, b"deleted")
    get_path = ArtifactStore.path
    path = store.path(deleted_file.sha256)

    def delete_and_get_path(self, sha256):
        if path.exists():
            with sessions.begin() as session:
                controls.delete_job(session, deleted_job_id)
            path.unlink()
        return get_path(self, sha256)

    monkeypatch.setattr(ArtifactStore, "path", delete_and_get_path)
    created = backup.create_backup(installation, tmp_path / "backup.tar")
    assert (created.jobs, created.files, created.damaged) == (1, 1, ())


@pytest.mark.parametrize("content", [b"weighty", None])
def test_corrupt_file_is_listed_and_the_rest_is_backed_up(
    installation, sessions, store, restore_backup, tmp_path, content
):
    publish_model(sessions, store, b"valid")
    _, damaged = publish_model(sessions, store, b"weights")
    path = store.path(damaged.sha256)
    path.unlink() if content is None else path.write_bytes(content)
    created = backup.create_backup(installation, tmp_path / "backup.tar")
    assert (created.files, created.damaged) == (1, (damaged.sha256,))
    assert restore_backup(tmp_path / "backup.tar")[1] == created


@pytest.fixture
def backup_file(installation, sessions, store, tmp_path):
    publish_model(sessions, store, b"weights" * 5000)
    backup.create_backup(installation, tmp_path / "backup.tar")
    return tmp_path / "backup.tar"


def truncate(content):
    return content[: len(content) // 2]


def flip_bit_of_a_model(content):
    offset = content.index(b"weightsweights") + 10_000
    return content[:offset] + bytes([content[offset] ^ 1]) + content[offset + 1 :]


def flip_bit_of_the_database(content):
    offset = content.index(b"SQLite format 3") + 60_000
    return content[:offset] + bytes([content[offset] ^ 1]) + content[offset + 1 :]


def remove_entry(name):
    def change(content):
        changed = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=changed, mode="w") as new:
            for entry in old:
                if not entry.name.startswith(name):
                    new.addfile(entry, old.extractfile(entry))
        return changed.getvalue()

    return change


def add_entry(name):
    def change(content):
        changed = io.BytesIO(content)
        with tarfile.open(fileobj=changed, mode="a") as archive:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        return changed.getvalue()

    return change


def add_sparse_entry(content):
    """Add an entry of 512 bytes in the archive, in the format of GNU tar, that would become 2 GB on the disk."""
    header = bytearray(tarfile.TarInfo(f"sha256/00/{'0' * 64}").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    header[386:410] = b"%011o\0%011o\0" % (0, 0)
    header[483:495] = b"%011o\0" % (2 << 30)
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:512]) + 8 * 32)
    return content.rstrip(b"\0") + bytes(-len(content.rstrip(b"\0")) % 512) + header + bytes(1024)


def add_pax_sparse_entry(content):
    changed = io.BytesIO(content)
    with tarfile.open(fileobj=changed, mode="a") as archive:
        entry = tarfile.TarInfo(f"sha256/00/{'0' * 64}")
        entry.pax_headers = {"GNU.sparse.size": str(2 << 30), "GNU.sparse.map": "0,0", "GNU.sparse.name": entry.name}
        archive.addfile(entry)
    return changed.getvalue()


def rewrite_archive(content, rewrite):
    """Change the contents of a backup's entries, by their names."""
    changed = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(content)) as old, tarfile.open(fileobj=changed, mode="w") as new:
        contents = {entry.name: old.extractfile(entry).read() for entry in old}
        rewrite(contents)
        for name, data in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))
    return changed.getvalue()


def execute_in_database(statement):
    """Change the database of a backup, and the SHA-256 in the manifest with it."""

    def rewrite(contents):
        with sqlite3.connect(":memory:") as database:
            database.deserialize(contents["stackyard.db"])
            database.executescript(statement)
            contents["stackyard.db"] = database.serialize()
        digest = hashlib.sha256(contents["stackyard.db"]).hexdigest()
        manifest = json.loads(contents["manifest.json"]) | {"database_sha256": digest}
        contents["manifest.json"] = json.dumps(manifest).encode()

    return lambda content: rewrite_archive(content, rewrite)


def change_table(name, old, new):
    """Replace a part of a table's statement."""
    update = "UPDATE sqlite_master SET sql = replace(sql, '{}', '{}') WHERE type = 'table' AND name = '{}'"
    return execute_in_database("PRAGMA writable_schema=ON; " + update.format(old, new, name))


def change_manifest(members):
    def rewrite(contents):
        contents["manifest.json"] = json.dumps(json.loads(contents["manifest.json"]) | members).encode()

    return lambda content: rewrite_archive(content, rewrite)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (add_sparse_entry, "is not a plain file"),
        (add_pax_sparse_entry, "larger than its content"),
        (execute_in_database("CREATE TRIGGER t AFTER INSERT ON jobs BEGIN DELETE FROM jobs; END"), "'trigger' 't'"),
        (execute_in_database("CREATE VIEW v AS SELECT * FROM jobs"), "'view' 'v'"),
        (execute_in_database("CREATE TABLE extra (a)"), "'table' 'extra'"),
        (execute_in_database("CREATE INDEX i ON jobs (state)"), "unexpected 'index' 'i'"),
        (execute_in_database("PRAGMA foreign_keys=OFF; DROP TABLE artifacts"), "no 'index' 'ix_artifacts_sha256'"),
        (execute_in_database("DROP INDEX ix_jobs_name_id"), "no 'index' 'ix_jobs_name_id'"),
        (execute_in_database("ALTER TABLE jobs ADD COLUMN extra INTEGER"), "a changed 'table' 'jobs'"),
        (change_table("jobs", "epochs INTEGER NOT NULL", "epochs BLOB"), "a changed 'table' 'jobs'"),
        (change_table("jobs", "CHECK (state IN ", "CHECK (1 OR state IN "), "a changed 'table' 'jobs'"),
        (change_table("jobs", " ON DELETE SET NULL", ""), "a changed 'table' 'jobs'"),
        (execute_in_database("UPDATE alembic_version SET version_num = '2030_next'"), "unknown schema '2030_next'"),
        (execute_in_database("DELETE FROM alembic_version"), "no revision of its schema"),
        (change_table("alembic_version", "VARCHAR(32)", "BLOB"), "no revision of its schema"),
        (execute_in_database("UPDATE artifacts SET bytes = bytes + 1"), "records 35001 bytes for .* which has 35000"),
        (change_manifest({"format": 2}), "manifest.json is invalid"),
        (change_manifest({"damaged": 1}), "manifest.json is invalid"),
        (truncate, "unexpected end of data"),
        (flip_bit_of_a_model, "content of sha256/.* does not match its SHA-256"),
        (flip_bit_of_the_database, "stackyard.db does not match its SHA-256"),
        (remove_entry("sha256/"), "1 files are missing"),
        (remove_entry("stackyard.db"), "no database"),
        (remove_entry("manifest.json"), "does not begin with a manifest"),
        (add_entry("../../elsewhere"), "has an entry '../../elsewhere'"),
        (add_entry("/elsewhere"), "has an entry '/elsewhere'"),
        (add_entry("sha256/ab/cd"), "has an entry 'sha256/ab/cd'"),
        (lambda _: b"no backup", "not a whole backup"),
        (lambda _: b"", "not a whole backup"),
    ],
)
def test_invalid_backup_is_not_restored_and_leaves_nothing(backup_file, tmp_path, change, message):
    backup_file.write_bytes(change(backup_file.read_bytes()))
    data_dir = tmp_path / "restored"
    with pytest.raises(BackupError, match=message):
        backup.restore_backup(Settings(data_dir=data_dir), backup_file)
    assert not data_dir.exists()


def test_a_backup_with_any_changed_byte_is_restored_or_refused_in_one_line(backup_file, tmp_path):
    content, random = backup_file.read_bytes(), Random(0)  # noqa: S311
    headers = [start for start in range(0, len(content), 512) if content[start + 257 :].startswith(b"ustar")]
    data_dir = tmp_path / "restored"
    for _ in range(60):
        offset = random.choice(headers) + random.randrange(512)
        changed = content[:offset] + random.randbytes(random.choice([1, 4, 40])) + content[offset:]
        backup_file.write_bytes(changed[: len(content)])
        if refusal := find_refusal(backup_file, data_dir):
            assert "\n" not in refusal
            assert not data_dir.exists()
        else:
            shutil.rmtree(data_dir)


def find_refusal(file, data_dir):
    try:
        backup.restore_backup(Settings(data_dir=data_dir), file)
    except BackupError as error:
        return str(error)
    return None


def test_an_index_that_restore_would_refuse_is_refused_by_backup(installation, sessions, tmp_path):
    submit_job(sessions)
    with sessions.begin() as session:
        session.execute(text("CREATE INDEX mine ON jobs (name)"))
    with pytest.raises(BackupError, match="unexpected 'index' 'mine'"):
        backup.create_backup(installation, tmp_path / "backup.tar")
    assert not (tmp_path / "backup.tar").exists()


def test_a_database_of_an_earlier_revision_is_restored(tmp_path):
    installation = Settings(data_dir=tmp_path / "old")
    installation.data_dir.mkdir()
    config = Config(Path(__file__).parents[2] / "alembic.ini")
    config.attributes["database_url"] = installation.resolved_database_url
    command.upgrade(config, "0004")
    created = backup.create_backup(installation, tmp_path / "backup.tar")
    assert backup.restore_backup(Settings(data_dir=tmp_path / "restored"), tmp_path / "backup.tar") == created


@pytest.fixture
def open_umask():
    """Let other users read new files by default."""
    earlier = os.umask(0)
    yield
    os.umask(earlier)


@pytest.mark.usefixtures("open_umask")
def test_the_restored_files_are_private(backup_file, tmp_path, monkeypatch):
    data_dir = tmp_path / "restored"
    monkeypatch.setenv("STACKYARD_DATA_DIR", str(data_dir))
    main(["restore", str(backup_file)])
    assert {path for path in [data_dir, *data_dir.rglob("*")] if path.stat().st_mode & 0o077} == set()


@pytest.mark.usefixtures("open_umask")
def test_an_invalid_setting_is_one_line(backup_file, monkeypatch):
    monkeypatch.setenv("STACKYARD_LEASE_S", "never")
    with pytest.raises(SystemExit, match=r"^The settings are invalid: lease_s: .*number.*$"):
        main(["restore", str(backup_file)])


def test_nonempty_directory_is_unchanged(backup_file, installation, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BackupError, match="not empty"):
        backup.restore_backup(installation, backup_file)
    assert sorted(tmp_path.rglob("*")) == before


def test_empty_directory_is_restored_into(backup_file, tmp_path):
    data_dir = tmp_path / "mounted"
    (data_dir / "lost+found").mkdir(parents=True)
    assert backup.restore_backup(Settings(data_dir=data_dir), backup_file).files == 1


def test_existing_file_is_not_overwritten(backup_file, installation):
    with pytest.raises(BackupError, match="already exists"):
        backup.create_backup(installation, backup_file)


def test_full_disk_leaves_no_partial_backup(installation, sessions, store, tmp_path, monkeypatch):
    publish_model(sessions, store, b"weights")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "addfile", fail)
    with pytest.raises(BackupError, match="No space left"):
        backup.create_backup(installation, tmp_path / "backup.tar")
    assert not list(tmp_path.glob("backup.tar*"))
    assert not (tmp_path / "backup.part").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"database_url": "postgresql+psycopg://localhost/stackyard"}, "pg_dump"),
        ({"artifacts_url": "s3://bucket"}, "bucket"),
    ],
)
def test_installation_that_is_not_embedded_is_rejected(tmp_path, settings, message):
    with pytest.raises(BackupError, match=message):
        backup.create_backup(Settings(data_dir=tmp_path, **settings), tmp_path / "backup.tar")


def test_database_of_a_backup_is_a_single_file(backup_file):
    with tarfile.open(backup_file) as archive:
        assert json.load(archive.extractfile("manifest.json"))["format"] == 1
        content = archive.extractfile("stackyard.db").read()
    with sqlite3.connect(":memory:") as database:
        database.deserialize(content)
        assert database.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


def test_a_restored_installation_has_its_users_projects_and_tokens(installation, sessions, restore_backup, tmp_path):
    with sessions.begin() as session:
        ann, token = users.add_user(session, "ann", UserRole.ADMIN, {"shares": 2.0})
        project = projects.add_project(session, "vision", ann.id)
        browser = tokens.start_user_session(session, ann.id, "browser", 3600)
    file = tmp_path / "backup.tar"
    backup.create_backup(installation, file)
    settings, _ = restore_backup(file)
    restored = SessionFactory(settings.resolved_database_url)
    with restored.read() as session:
        principal = authentication.find_principal(session, token.text, TokenKind.PERSONAL, "vision")
        assert principal is not None
        assert (principal.user_name, principal.project_id, principal.is_admin) == ("ann", project.id, True)
        assert authentication.find_principal(session, browser.text, TokenKind.SESSION) is not None
    restored.dispose()
    assert token.text.encode() not in file.read_bytes()  # only its SHA-256
    assert browser.text.encode() not in file.read_bytes()
