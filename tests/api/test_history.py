"""A job's history over HTTP, complete and thinned."""

import csv
import io
import math

import pytest

from tests.recorded_jobs import create_recorded_job

NAMES = ["loss", "val_loss"]


@pytest.fixture
def history_path(sessions):
    """The path of a history of 1,000 epochs, with a spike at 700 and a metric that is not finite from 990 on."""
    loss = [1 / (epoch + 1) for epoch in range(1000)]
    loss[700] = 50.0
    val_loss = [2 / (epoch + 1) for epoch in range(990)] + [math.nan] * 10
    job = create_recorded_job(sessions, {"loss": loss, "val_loss": val_loss})
    return f"/v1/jobs/{job.id}/history"


def test_a_thinned_history_keeps_ends_extremes_and_the_first_nonfinite_value(client, history_path):
    complete = client.get(history_path).json()
    thinned = client.get(history_path, params={"max_points": 40}).json()
    assert len(complete["epochs"]) == 1000
    assert len(thinned["epochs"]) <= 40
    assert {0, 700, 990, 999} <= set(thinned["epochs"])
    assert max(thinned["metrics"]["loss"]) == 50.0
    assert min(thinned["metrics"]["loss"]) == 1 / 1000
    assert thinned["nonfinite"] == {"val_loss": {"990": "NaN", "999": "NaN"}}
    for name in NAMES:
        by_epoch = dict(zip(complete["epochs"], complete["metrics"][name], strict=True))
        assert [by_epoch[epoch] for epoch in thinned["epochs"]] == thinned["metrics"][name]


def test_csv_is_thinned_in_the_same_way(client, history_path):
    params = {"max_points": 40, "from_epoch": 600}
    response = client.get(history_path, params=params, headers={"Accept": "text/csv"})
    header, *rows = csv.reader(io.StringIO(response.text))
    assert header == ["epoch", *NAMES]
    epochs = client.get(history_path, params=params).json()["epochs"]
    assert [int(row[0]) for row in rows] == epochs
    assert epochs[0] == 600


def test_a_range_of_epochs_is_thinned_for_itself(client, history_path):
    """A chart that zooms in gets finer points."""
    complete = client.get(history_path, params={"from_epoch": 600, "to_epoch": 620}).json()
    assert complete["epochs"] == list(range(600, 621))
    limited = client.get(history_path, params={"from_epoch": 600, "to_epoch": 620, "max_points": 21}).json()
    assert limited == complete
    assert client.get(history_path, params={"from_epoch": 5, "to_epoch": 4}).json()["epochs"] == []


def test_a_history_within_the_limit_is_complete(client, history_path):
    assert client.get(history_path, params={"max_points": 1000}).json() == client.get(history_path).json()


@pytest.mark.parametrize("points", [1, 7])
def test_too_few_points_are_refused_with_the_minimum(client, history_path, points):
    response = client.get(history_path, params={"max_points": points})
    [error] = response.json()["errors"]
    assert response.status_code == 422
    assert error["pointer"] == "/query/max_points"
    assert error["message"].startswith(f"expected at least 8, received {points}")
    assert client.get(history_path, params={"max_points": 8}).status_code == 200


def test_invalid_point_counts_are_refused(client, history_path):
    for points in ("0", "-1", "many", "1.5"):
        assert client.get(history_path, params={"max_points": points}).status_code == 422
