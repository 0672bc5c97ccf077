"""A server is backed up while it trains, by the command line, and served again from the backup."""

import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from service.settings import Settings
from tests.factories import iris_spec

pytestmark = pytest.mark.xdist_group("server")


def run(*arguments):
    command = [sys.executable, "-m", "stackyard", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_server_that_trains_is_backed_up_and_served_again(server, tmp_path, broker_url):
    done = server.until_ended(server.submit(iris_spec()))["id"]
    running = server.submit(iris_spec(training={"epochs": 50_000}))
    server.until_running(running)
    made = run("backup", tmp_path / "backup.tar", "--data-dir", server.data_dir)
    server.http.delete(f"/v1/jobs/{running}")
    assert made.returncode == 0, made.stderr
    assert "backed up" in made.stdout
    refused = run("restore", tmp_path / "backup.tar", "--data-dir", server.data_dir)
    assert (refused.returncode, "is not empty" in refused.stderr) == (1, True)
    assert run("restore", tmp_path / "backup.tar", "--data-dir", tmp_path / "again").returncode == 0
    with TestClient(create_app(Settings(data_dir=tmp_path / "again", broker_url=broker_url))) as again:
        path = f"/v1/jobs/{done}/model"
        assert again.get(path).content == server.http.get(path).content
        assert again.get(f"/v1/jobs/{running}").json()["state"] == "running", "its lease ends, and it is queued again"
