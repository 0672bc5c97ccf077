"""Jobs whose files cannot be written or read fail with a reason, and the next job trains."""

import errno
import hashlib
import io
import os
import zipfile

import keras
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from service.settings import Settings
from tests.conftest import LOCAL_URL
from tests.factories import iris_spec
from tests.in_process_trainer import Trainer, create_installation


@pytest.fixture(scope="module")
def installation(tmp_path_factory, sqlite_template, broker_url):
    return create_installation(tmp_path_factory.mktemp("storage"), sqlite_template, broker_url)


@pytest.fixture(scope="module")
def trainer(installation):
    with TestClient(create_app(installation), LOCAL_URL) as client:
        yield Trainer(client, installation)


def test_a_job_fails_if_the_disk_is_full_and_the_next_job_trains(trainer, installation, monkeypatch):
    for step in ("tempfile.mkstemp", "os.fsync", "pathlib.Path.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(step, _raise_disk_full)
            job = trainer.attempt(iris_spec())
        assert (job["state"], job["reason"]["code"]) == ("failed", "storage"), job
        assert os.strerror(errno.ENOSPC) in job["reason"]["message"]
        assert job["progress"]["epochs_done"] == 3, "the history must have the epochs that were trained"
        assert list((installation.data_dir / "incoming").iterdir()) == []
    trainer.train(iris_spec())


def test_a_model_is_saved_in_a_directory_that_the_reconciler_sweeps(trainer, installation, monkeypatch):
    directories = []
    save = keras.Sequential.save
    monkeypatch.setattr(
        keras.Sequential, "save", lambda network, path: directories.append(path.parents[1]) or save(network, path)
    )
    trainer.train(iris_spec())
    assert directories == [installation.data_dir / "incoming"]


def test_a_job_fails_with_a_reason_if_its_dataset_was_changed_on_the_disk(trainer, installation):
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


def test_two_machines_that_share_a_bucket_run_a_job(bucket, sqlite_url, broker_url, tmp_path):
    """The API and the worker have separate disks, from the upload to the model."""
    api_settings, worker_settings = (
        Settings(data_dir=tmp_path / name, database_url=sqlite_url, broker_url=broker_url, **bucket)
        for name in ("api", "worker")
    )
    rows = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n % 3) for n in range(21))
    with TestClient(create_app(api_settings), LOCAL_URL) as client:
        trainer = Trainer(client, worker_settings)
        trainer.upload("numbers", rows)
        job_id = trainer.train(iris_spec(data={"dataset": "numbers", "target": {"column": "b"}}))
        model = client.get(f"/v1/jobs/{job_id}/model")
        assert hashlib.sha256(model.content).hexdigest() == model.headers["ETag"].strip('"')
        assert zipfile.is_zipfile(io.BytesIO(model.content))
        assert client.get(f"/v1/jobs/{job_id}/model", headers={"Range": "bytes=0-1"}).content == b"PK"
        assert client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert not (tmp_path / "api" / "sha256").exists()


def _raise_disk_full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
