"""A worker in this process, for tests that need what a training leaves behind and not how it comes about."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from service.db.database import Sessions
from service.queue.wake_ups import WakeUps
from service.settings import Settings
from service.storage.store_factory import open_store
from worker.attempt.job_runner import Runner
from worker.engine import Engine
from worker.preparation import Preparer
from worker.runtime import devices
from worker.runtime.threads import Threads


def installed(directory: Path, sqlite_template: Path, broker_url: str) -> Settings:
    """An installation for more than one test, with an empty database."""
    shutil.copy(sqlite_template, directory / "stackyard.db")
    return Settings(data_dir=directory, broker_url=broker_url)


class Trainer:
    """Submits jobs over HTTP and trains them here."""

    def __init__(self, client: TestClient, settings: Settings) -> None:
        self.client = client
        self._runner = Runner(
            settings,
            Sessions(settings.database),
            open_store(settings),
            WakeUps(settings),
            Preparer(settings),
            Engine(settings.compiled_memory),
            Threads(devices.describe()),
        )

    def upload(self, name: str, content: bytes, media_type: str = "text/csv") -> None:
        """Upload a new dataset."""
        headers = {"Content-Type": media_type}
        response = self.client.post("/v1/datasets", params={"name": name}, content=content, headers=headers)
        assert response.status_code == 201, response.text

    def train(self, spec: Mapping[str, Any]) -> str:
        """The id of a job with this spec that has succeeded."""
        job = self.attempt(spec)
        assert job["state"] == "succeeded", job
        return job["id"]

    def attempt(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """A job with this spec, however its first attempt ended."""
        response = self.client.post("/v1/jobs", content=json.dumps(spec), headers={"Content-Type": "application/json"})
        assert response.status_code == 201, response.text
        self._runner.run_next("cpu")
        return self.client.get(response.headers["Location"]).json()
