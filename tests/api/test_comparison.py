"""Comparison of jobs over HTTP, on recorded histories."""

from uuid import uuid4

import numpy as np
import pytest

from models import JobState
from service.db.database import SessionFactory
from service.jobs.attempts import Conclusion
from service.settings import Settings
from tests.recorded_jobs import create_recorded_job

SUCCEEDED = Conclusion(JobState.SUCCEEDED)


@pytest.fixture
def comparable(either_url, broker_url, tmp_path, make_client):
    """A client and a function that records a job, on either database."""
    client = make_client(Settings(data_dir=tmp_path, database_url=either_url, broker_url=broker_url))
    sessions: SessionFactory = client.app.state.stackyard.sessions

    def record(loss, **spec):
        return str(create_recorded_job(sessions, {"loss": loss}, SUCCEEDED, **spec).id)

    return client, record


def test_the_places_at_which_specs_differ_are_pointers(comparable):
    client, record = comparable
    first = record([1.0, 0.5], name="a", tags=["x"])
    second = record([1.0, 0.4], name="b", training={"epochs": 7, "optimizer": {"type": "Adam", "learning_rate": 0.5}})
    third = record([1.0, 0.4], training={"epochs": 7, "optimizer": "sgd"})
    result = client.get("/v1/compare", params={"job": [first, second]}).json()
    assert {item["pointer"]: item["values"] for item in result["differences"]} == {
        "/training/epochs": [3, 7],
        "/training/optimizer/learning_rate": [0.001, 0.5],
    }
    assert [job["id"] for job in result["jobs"]] == [first, second]
    assert result["metrics"] == ["loss"]
    assert result["histories"][1]["metrics"]["loss"] == [1.0, 0.4]
    assert result["repeats"] == []
    [difference] = client.get("/v1/compare", params={"job": [second, third]}).json()["differences"]
    assert difference["pointer"] == "/training/optimizer"
    assert [value["type"] for value in difference["values"]] == ["Adam", "SGD"]


def test_repeats_have_the_mean_and_the_standard_deviation_of_numpy(comparable):
    client, record = comparable
    losses = [[3.0, 1.0, 0.25], [5.0, 2.0], [4.0, 6.0, float("nan")]]
    jobs = [record(loss, training={"seed": seed}) for seed, loss in enumerate(losses)]
    result = client.get("/v1/compare", params={"job": [*jobs, record([9.0], training={"epochs": 5})]}).json()
    [repeats] = result["repeats"]
    assert repeats["jobs"] == [0, 1, 2]
    columns = [[3.0, 5.0, 4.0], [1.0, 2.0, 6.0], [0.25]]
    means = [np.mean(column) for column in columns]
    spreads = [np.std(column, ddof=1) if len(column) > 1 else 0.0 for column in columns]
    band = repeats["metrics"]["loss"]
    assert band["epochs"] == [0, 1, 2]
    np.testing.assert_allclose(band["mean"], means)
    np.testing.assert_allclose(band["low"], np.subtract(means, spreads))
    np.testing.assert_allclose(band["high"], np.add(means, spreads))


def test_long_histories_are_thinned(comparable):
    client, record = comparable
    jobs = [record(list(np.linspace(1, 0, 400)), training={"seed": seed, "epochs": 400}) for seed in range(2)]
    result = client.get("/v1/compare", params={"job": jobs, "max_points": 50}).json()
    assert all(len(history["epochs"]) <= 50 for history in result["histories"])
    assert result["histories"][0]["epochs"][-1] == 399
    assert 40 <= len(result["repeats"][0]["metrics"]["loss"]["epochs"]) <= 50


def test_unknown_and_repeated_jobs_are_problems(comparable):
    client, record = comparable
    job = record([1.0])
    assert client.get("/v1/compare", params={"job": [job]}).status_code == 422
    assert client.get("/v1/compare", params={"job": [job, str(uuid4())]}).status_code == 404
    repeated = client.get("/v1/compare", params={"job": [job, job]})
    assert repeated.status_code == 422
    assert repeated.json()["errors"][0]["pointer"] == "/query/job"
