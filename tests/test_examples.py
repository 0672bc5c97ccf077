"""Every example is a spec that the service takes, by its own schema and by its check; and its page tells of it."""

import re

import jsonschema_rs
import pytest

from tests.examples import EXAMPLES, NAMES, UPLOADS, example

WARNED = {"wine-diverges": ["unscaled_features"]}
"""What the compile report warns of; of the others it has nothing to say."""


@pytest.fixture
def stocked(client, tmp_path):
    """The API, with the datasets that examples want uploaded."""
    for name, write in UPLOADS.items():
        headers = {"Content-Type": "text/csv"}
        body = write(tmp_path).read_bytes()
        assert client.post("/v1/datasets", params={"name": name}, content=body, headers=headers).status_code == 201
    return client


def test_the_schema_that_the_service_gives_allows_every_example(client):
    validator = jsonschema_rs.validator_for(client.get("/v1/schemas/job").json())
    for name in NAMES:
        assert [error.message for error in validator.iter_errors(example(name))] == [], name


def test_the_openapi_document_allows_every_example_as_a_request(client):
    document = client.get("/openapi.json").json()
    body = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema_rs.validator_for(body | {"components": document["components"]})
    assert [name for name in NAMES if not validator.is_valid(example(name))] == []
    assert not validator.is_valid(example("iris") | {"nmae": 1})


def test_the_check_finds_every_example_right(stocked):
    for name in NAMES:
        response = stocked.post("/v1/specs/check", json=example(name))
        assert response.status_code == 200, response.text
        report = response.json()
        assert report["spec"]["name"] == name
        assert [warning["code"] for warning in report["warnings"]] == WARNED.get(name, [])


def test_every_example_has_a_section_of_the_page():
    told = re.findall(r"^### \[(.+)\.json\]\((.+)\.json\)$", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(told) == [(name, name) for name in NAMES]
