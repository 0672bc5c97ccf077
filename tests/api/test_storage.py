"""What a client hears where a disk fails, has no room, or has forgotten what was written to it."""

import errno
import os

import pytest

from models import JobState
from service.jobs import attempts
from service.jobs.attempts import Conclusion, MadeArtifact
from tests.factories import submit

ROWS = b"size,kind\n1,a\n2,b\n3,a\n"


@pytest.fixture
def upload(client):
    def upload(content=ROWS):
        return client.post("/v1/datasets", params={"name": "t"}, content=content, headers={"Content-Type": "text/csv"})

    return upload


@pytest.fixture
def done(sessions, store):
    """A job that has succeeded, and where its summary lies."""
    job = submit(sessions)
    with store.receive() as incoming:
        incoming.write(b"a network of some layers\n")
        stored = store.keep(incoming)
    with sessions.begin() as session:
        mine = attempts.claim(session, queue="cpu", worker="here:1", lease_s=60)
        made = MadeArtifact("summary", "text/plain", stored)
        attempts.conclude(session, mine, Conclusion(JobState.SUCCEEDED, artifacts=[made]))
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
def test_an_upload_that_the_disk_does_not_take(client, upload, monkeypatch, settings, step, number, status, code):
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
    assert upload().status_code == 201, "and goes on once there is room"


def test_a_file_that_was_changed_is_not_served(client, done):
    url, path = done
    assert client.get(url).text == "a network of some layers\n"
    path.write_bytes(b"a network of some lawyers")
    refused = client.get(url)
    assert (refused.status_code, refused.json()["code"]) == (409, "summary_damaged")


def test_a_file_that_is_gone_is_no_error_of_the_server(client, done):
    url, path = done
    path.unlink()
    assert client.get(url).status_code == 409


def test_a_part_of_a_file_is_served_and_a_known_one_is_not_even_read(client, done):
    url, path = done
    etag = client.get(url).headers["ETag"]
    assert client.get(url, headers={"Range": "bytes=2-8"}).text == "network"
    path.unlink()
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304


def test_the_same_upload_makes_a_damaged_file_whole(upload, store):
    made = upload().json()
    store.path(made["sha256"]).write_bytes(b"size,kind\n9,z\n")
    assert upload().json()["id"] == made["id"]
    assert store.path(made["sha256"]).read_bytes() == ROWS
