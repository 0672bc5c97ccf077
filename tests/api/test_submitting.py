"""The answer to a submit equals a later read of the job, except for estimates; and concurrent writers."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import OperationalError

from service.db import database, sqlite
from service.jobs.queue_order.positions import load_positions
from tests.factories import iris_spec, submit_job


def test_the_answer_to_a_submit_equals_the_job(client):
    assert client.post("/v1/jobs", json=iris_spec(run={"priority": 9})).status_code == 201
    response = client.post("/v1/jobs", json=iris_spec(tags=["night", "first"]))
    submitted = response.json()
    read = client.get(response.headers["location"]).json()
    assert submitted == read | {"before": None, "hidden_before": None, "estimated_start": None}  # they take time
    assert submitted["queue_position"] == 1
    assert submitted["tags"] == ["first", "night"]
    assert [step["to"] for step in submitted["transitions"]] == ["queued"]


def test_a_repeated_submit_returns_the_current_state(client):
    body, headers = json.dumps(iris_spec()), {"Content-Type": "application/json", "Idempotency-Key": "k"}
    first = client.post("/v1/jobs", content=body, headers=headers).json()
    client.post(f"/v1/jobs/{first['id']}/cancel")
    again = client.post("/v1/jobs", content=body, headers=headers).json()
    assert again["id"] == first["id"]
    assert again["state"] == "cancelled"
    assert [step["to"] for step in again["transitions"]] == ["queued", "cancelled"]


def test_a_queue_position_does_not_depend_on_the_other_jobs_that_are_asked_for(either_sessions):
    submitted = [submit_job(either_sessions, run={"priority": priority}) for priority in (0, 2, 0, 2, 1)]
    submitted.append(submit_job(either_sessions, run={"priority": 2, "device": "gpu"}))
    with either_sessions.read() as session:
        together = load_positions(session, submitted).ahead
        separate = {job.id: load_positions(session, [job]).ahead[job.id] for job in submitted}
    assert together == separate
    assert [separate[job.id] for job in submitted] == [3, 0, 4, 1, 2, 0]


def test_only_one_writer_of_a_process_writes_at_a_time(sessions, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.01)

    def write():
        with sessions.begin() as session:
            return database.get_current_time(session)

    with ThreadPoolExecutor(1) as other:
        with sessions.begin(), pytest.raises(OperationalError, match="locked"):
            other.submit(write).result()
        assert other.submit(write).result()  # the lock was released
