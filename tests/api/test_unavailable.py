"""What a client is told while the database is away."""

import json

import pytest

from tests.factories import iris_spec
from tests.servers.postgres import Away

SUBMIT = {"content": json.dumps(iris_spec()), "headers": {"Content-Type": "application/json"}}
JOB = "/v1/jobs/01a1ff18-f4fc-7293-aaf1-986ad40dbd94"


@pytest.fixture
def client(settings, postgres_url, make_client):
    return make_client(settings.model_copy(update={"database_url": postgres_url}))


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/v1/jobs", {}),
        ("GET", f"{JOB}/history", {}),
        ("GET", "/v1/workers", {}),
        ("GET", "/v1/datasets", {}),
        ("POST", "/v1/jobs", SUBMIT),
        ("POST", "/v1/specs/check", SUBMIT),
        ("POST", f"{JOB}/cancel", {}),
        ("DELETE", JOB, {}),
    ],
)
def test_who_asks_while_the_database_is_away_is_asked_to_come_again(client, postgres_url, method, path, content):
    before = client.request(method, path, **content).status_code
    with Away(postgres_url):
        answer = client.request(method, path, **content)
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable"), answer.text
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").json()["database"] == "unreachable"
    assert client.request(method, path, **content).status_code == before


def test_connections_that_broke_meanwhile_cost_nobody_an_answer(client, postgres_url):
    client.post("/v1/jobs", **SUBMIT)
    Away(postgres_url).break_off()
    assert client.post("/v1/jobs", **SUBMIT).status_code == 201
    assert len(client.get("/v1/jobs").json()["items"]) == 2
