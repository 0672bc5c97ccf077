"""Answers while the database is unreachable."""

import json

import pytest

from tests.factories import iris_spec
from tests.servers.postgres import DatabaseOutage

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
def test_a_request_without_the_database_is_refused_until_later(client, postgres_url, method, path, content):
    before = client.request(method, path, **content).status_code
    with DatabaseOutage(postgres_url):
        response = client.request(method, path, **content)
        assert (response.status_code, response.json()["code"]) == (503, "database_unavailable"), response.text
        assert int(response.headers["Retry-After"]) > 0
        assert response.headers["Content-Type"] == "application/problem+json"
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").json()["database"] == "unreachable"
    assert client.request(method, path, **content).status_code == before


def test_broken_connections_are_replaced_without_an_error(client, postgres_url):
    client.post("/v1/jobs", **SUBMIT)
    DatabaseOutage(postgres_url).terminate_connections()
    assert client.post("/v1/jobs", **SUBMIT).status_code == 201
    assert len(client.get("/v1/jobs").json()["items"]) == 2
