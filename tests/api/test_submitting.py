"""What a POST tells of its job is what a GET tells, and costs less to find out."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import OperationalError

from service.db import database, sqlite
from service.jobs import jobs
from tests.factories import iris_spec, submit


def test_a_new_job_is_told_as_it_will_be_read(client):
    assert client.post("/v1/jobs", json=iris_spec(run={"priority": 9})).status_code == 201
    answer = client.post("/v1/jobs", json=iris_spec(tags=["night", "first"]))
    told = answer.json()
    read = client.get(answer.headers["location"]).json()
    assert told == read | {"before": None, "estimated_start": None}  # which take time to find out
    assert told["queue_position"] == 1
    assert told["tags"] == ["first", "night"]
    assert [step["to"] for step in told["transitions"]] == ["queued"]


def test_a_repeat_tells_what_has_become_of_the_job(client):
    body, headers = json.dumps(iris_spec()), {"Content-Type": "application/json", "Idempotency-Key": "k"}
    first = client.post("/v1/jobs", content=body, headers=headers).json()
    client.post(f"/v1/jobs/{first['id']}/cancel")
    again = client.post("/v1/jobs", content=body, headers=headers).json()
    assert again["id"] == first["id"]
    assert again["state"] == "cancelled"
    assert [step["to"] for step in again["transitions"]] == ["queued", "cancelled"]


def test_one_job_has_the_place_that_it_has_among_many(either_sessions):
    made = [submit(either_sessions, run={"priority": priority}) for priority in (0, 2, 0, 2, 1)]
    made.append(submit(either_sessions, run={"priority": 2, "device": "gpu"}))
    with either_sessions.read() as session:
        together = jobs.queue_positions(session, made)
        alone = {job.id: jobs.queue_positions(session, [job])[job.id] for job in made}
    assert together == alone
    assert [alone[job.id] for job in made] == [3, 0, 4, 1, 2, 0]


def test_writers_of_a_process_take_turns(sessions, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.01)

    def write():
        with sessions.begin() as session:
            return database.now(session)

    with ThreadPoolExecutor(1) as other:
        with sessions.begin(), pytest.raises(OperationalError, match="locked"):
            other.submit(write).result()
        assert other.submit(write).result()  # the turn came back
