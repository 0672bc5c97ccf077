"""Jobs whose files cannot be written or read: they fail with the reason, and the next one trains."""

import errno
import hashlib
import io
import os
import zipfile

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from service.settings import Settings
from tests.factories import iris_spec
from tests.trainer import Trainer, installed


@pytest.fixture(scope="module")
def installation(tmp_path_factory, sqlite_template, broker_url):
    return installed(tmp_path_factory.mktemp("storage"), sqlite_template, broker_url)


@pytest.fixture(scope="module")
def trainer(installation):
    with TestClient(create_app(installation)) as client:
        yield Trainer(client, installation)


def test_a_job_whose_files_the_disk_does_not_take_fails_and_the_next_trains(trainer, installation, monkeypatch):
    for step in ("tempfile.mkstemp", "os.fsync", "pathlib.Path.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(step, _no_room)
            job = trainer.attempt(iris_spec())
        assert (job["state"], job["reason"]["code"]) == ("failed", "storage"), job
        assert os.strerror(errno.ENOSPC) in job["reason"]["message"]
        assert job["progress"]["epochs_done"] == 3, "what was trained is in the history all the same"
        assert list((installation.data_dir / "incoming").iterdir()) == []
    trainer.train(iris_spec())


def test_a_job_whose_dataset_was_changed_on_the_disk_says_so(trainer, installation):
    rows = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n % 3) for n in range(21))
    trainer.upload("numbers", rows)
    spec = iris_spec()
    spec["data"] = {"dataset": "numbers", "target": {"column": "b"}}
    [dataset] = trainer.client.get("/v1/datasets", params={"name": "numbers"}).json()["items"]
    path = installation.data_dir / "sha256" / dataset["sha256"][:2] / dataset["sha256"]
    path.write_bytes(rows.replace(b"7", b"8"))
    job = trainer.attempt(spec)
    assert (job["state"], job["reason"]["code"]) == ("failed", "storage"), job
    assert "upload it again" in job["reason"]["message"]
    trainer.client.post("/v1/datasets", params={"name": "numbers"}, content=rows, headers={"Content-Type": "text/csv"})
    trainer.train(spec)


def test_a_job_on_two_machines_that_share_a_bucket(bucket, sqlite_url, broker_url, tmp_path):
    """From the upload to the model, each machine with a disk of its own."""
    here, there = (
        Settings(data_dir=tmp_path / name, database_url=sqlite_url, broker_url=broker_url, **bucket)
        for name in ("api", "worker")
    )
    rows = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n % 3) for n in range(21))
    with TestClient(create_app(here)) as client:
        trainer = Trainer(client, there)
        trainer.upload("numbers", rows)
        job_id = trainer.train(iris_spec(data={"dataset": "numbers", "target": {"column": "b"}}))
        model = client.get(f"/v1/jobs/{job_id}/model")
        assert hashlib.sha256(model.content).hexdigest() == model.headers["ETag"].strip('"')
        assert zipfile.is_zipfile(io.BytesIO(model.content))
        assert client.get(f"/v1/jobs/{job_id}/model", headers={"Range": "bytes=0-1"}).content == b"PK"
        assert client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert not (tmp_path / "api" / "sha256").exists()


def _no_room(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
