"""A worker in the test process, for tests that need only the results of a training."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
from fastapi.testclient import TestClient

from service.db.database import SessionFactory
from service.queue.wake_ups import WakeUpSender
from service.settings import Settings
from service.storage.store_factory import open_store
from worker.attempt.job_runner import JobRunner
from worker.engine import Engine
from worker.preparation import Preparer
from worker.runtime.thread_selection import create_thread_allocator


def create_installation(directory: Path, sqlite_template: Path, broker_url: str) -> Settings:
    """Create an empty database, and return the settings of an installation that several tests share.

    Its jobs train on the backend of this process.
    """
    shutil.copy(sqlite_template, directory / "stackyard.db")
    return Settings(data_dir=directory, broker_url=broker_url, default_backend=keras.config.backend())


class Trainer:
    """Submits jobs over HTTP, and trains them in this process."""

    def __init__(self, client: TestClient, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self._runner = JobRunner(
            settings,
            SessionFactory(settings.resolved_database_url),
            open_store(settings),
            WakeUpSender(settings),
            Preparer(settings),
            Engine(settings.compiled_memory),
            create_thread_allocator(settings),
        )

    def upload(self, name: str, content: bytes, media_type: str = "text/csv") -> None:
        """Upload a new dataset."""
        headers = {"Content-Type": media_type}
        response = self.client.post("/v1/datasets", params={"name": name}, content=content, headers=headers)
        assert response.status_code == 201, response.text

    def train(self, spec: Mapping[str, Any]) -> str:
        """Submit and train a job; return its id, and fail unless it succeeded."""
        job = self.attempt(spec)
        assert job["state"] == "succeeded", job
        return job["id"]

    def attempt(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Submit a job and run its first attempt; return the job, however the attempt ended."""
        response = self.client.post("/v1/jobs", content=json.dumps(spec), headers={"Content-Type": "application/json"})
        assert response.status_code == 201, response.text
        return self.run_next_job(response.json()["id"])

    def run_next_job(self, job_id: str) -> dict[str, Any]:
        """Run an attempt at the first job of the queue, and return the job with this id."""
        self._runner.run_next_job("cpu")
        return self.client.get(f"/v1/jobs/{job_id}").json()
