"""Fixtures for the tests of the HTTP API."""

import pytest

from tests.factories import iris_spec


@pytest.fixture
def submit(client):
    """Submit a job on the iris dataset over HTTP; keyword arguments change its spec."""

    def submit(**changes):
        response = client.post("/v1/jobs", json=iris_spec(**changes))
        assert response.status_code == 201, response.text
        return response.json()

    return submit
