"""Back up a server from the command line while it trains, and serve the backup."""

import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from service.settings import Settings
from tests.conftest import LOCAL_URL
from tests.factories import iris_spec

pytestmark = pytest.mark.xdist_group("server")


def run_cli(*arguments):
    command = [sys.executable, "-m", "stackyard", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def pipe_backup(file, data_dir):
    command = [sys.executable, "-m", "stackyard", "restore", "-", "--data-dir", str(data_dir)]
    return subprocess.run(command, input=file.read_bytes(), capture_output=True, check=False)


@pytest.mark.exhaustive
def test_training_server_is_backed_up_and_restored(server, tmp_path, broker_url):
    finished_id = server.until_ended(server.submit(iris_spec()))["id"]
    running_id = server.submit(iris_spec(training={"epochs": 50_000}))
    server.until_running(running_id)
    created = run_cli("backup", tmp_path / "backup.tar", "--data-dir", server.data_dir)
    server.http.delete(f"/v1/jobs/{running_id}")
    assert created.returncode == 0, created.stderr
    assert "backed up" in created.stdout
    rejected = run_cli("restore", tmp_path / "backup.tar", "--data-dir", server.data_dir)
    assert (rejected.returncode, "is not empty" in rejected.stderr) == (1, True)
    assert run_cli("restore", tmp_path / "backup.tar", "--data-dir", tmp_path / "restored").returncode == 0
    piped = pipe_backup(tmp_path / "backup.tar", tmp_path / "piped")
    assert piped.returncode == 0, piped.stderr
    with TestClient(
        create_app(Settings(data_dir=tmp_path / "restored", broker_url=broker_url)), LOCAL_URL
    ) as restored:
        path = f"/v1/jobs/{finished_id}/model"
        assert restored.get(path).content == server.http.get(path).content
        assert restored.get(f"/v1/jobs/{running_id}").json()["state"] == "running", (
            "it is requeued when its lease expires"
        )
