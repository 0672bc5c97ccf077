"""Answers when the disk fails, is full, or has lost or changed a file."""

import errno
import os

import pytest

from models import JobState
from service.jobs import attempts
from service.jobs.attempts import Conclusion, StoredArtifact
from tests.factories import submit_job

ROWS = b"size,kind\n1,a\n2,b\n3,a\n"


@pytest.fixture
def upload(client):
    def upload(content=ROWS):
        return client.post("/v1/datasets", params={"name": "t"}, content=content, headers={"Content-Type": "text/csv"})

    return upload


@pytest.fixture
def summary(sessions, store):
    """The route of a finished job's summary, and the path of its file."""
    job = submit_job(sessions)
    with store.receive_file() as incoming:
        incoming.write(b"a network of some layers\n")
        stored = store.commit_file(incoming)
    with sessions.begin() as session:
        claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)
        artifact = StoredArtifact("summary", "text/plain", stored)
        attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED, artifacts=[artifact]))
    return f"/v1/jobs/{job.id}/summary", store.path(stored.sha256)


@pytest.mark.parametrize(
    ("step", "number", "status", "code"),
    [
        ("tempfile.mkstemp", errno.EROFS, 503, "storage_unavailable"),
        ("os.fsync", errno.EDQUOT, 507, "storage_full"),
        ("os.fsync", errno.EIO, 503, "storage_unavailable"),
        ("pathlib.Path.replace", errno.ENOSPC, 507, "storage_full"),
    ],
)
def test_an_upload_that_the_disk_refuses_is_an_error_and_not_kept(
    client, upload, monkeypatch, settings, step, number, status, code
):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(step, fail)
        refused = upload()
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"].isdecimal()
    assert client.get("/v1/datasets", params={"name": "t"}).json()["items"] == []
    assert list((settings.data_dir / "incoming").iterdir()) == []
    assert upload().status_code == 201, "a later upload succeeds"


def test_a_damaged_file_is_not_served(client, summary):
    url, path = summary
    assert client.get(url).text == "a network of some layers\n"
    path.write_bytes(b"a network of some lawyers")
    refused = client.get(url)
    assert (refused.status_code, refused.json()["code"]) == (409, "summary_damaged")


def test_a_missing_file_is_a_conflict(client, summary):
    url, path = summary
    path.unlink()
    assert client.get(url).status_code == 409


def test_a_range_of_a_file_is_served_and_an_unchanged_one_is_not_read(client, summary):
    url, path = summary
    etag = client.get(url).headers["ETag"]
    assert client.get(url, headers={"Range": "bytes=2-8"}).text == "network"
    path.unlink()
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304


def test_a_repeated_upload_repairs_a_damaged_file(upload, store):
    dataset = upload().json()
    store.path(dataset["sha256"]).write_bytes(b"size,kind\n9,z\n")
    assert upload().json()["id"] == dataset["id"]
    assert store.path(dataset["sha256"]).read_bytes() == ROWS
