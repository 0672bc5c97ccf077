"""The schema and the check accept every example, and the page of examples describes each."""

import re

import jsonschema_rs
import pytest

from tests.example_specs import EXAMPLE_NAMES, EXAMPLES, UPLOADS, load_example

SWEEPS = sorted((EXAMPLES / "sweeps").glob("*.json"))
WARNINGS = {"wine-diverges": ["unscaled_features"]}
"""The warnings of the compile report by example; all other examples have none."""


@pytest.fixture
def client_with_datasets(client, tmp_path):
    """A client of the API with the datasets that examples need."""
    for name, write in UPLOADS.items():
        headers = {"Content-Type": "text/csv"}
        body = write(tmp_path).read_bytes()
        assert client.post("/v1/datasets", params={"name": name}, content=body, headers=headers).status_code == 201
    return client


def test_the_served_schema_allows_every_example(client):
    validator = jsonschema_rs.validator_for(client.get("/v1/schemas/job").json())
    for name in EXAMPLE_NAMES:
        assert [error.message for error in validator.iter_errors(load_example(name))] == [], name


def test_the_openapi_document_allows_every_example_as_a_request(client):
    document = client.get("/openapi.json").json()
    body = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    validator = jsonschema_rs.validator_for(body | {"components": document["components"]})
    assert [name for name in EXAMPLE_NAMES if not validator.is_valid(load_example(name))] == []
    assert not validator.is_valid(load_example("iris") | {"nmae": 1})


def test_the_check_accepts_every_example(client_with_datasets):
    for name in EXAMPLE_NAMES:
        response = client_with_datasets.post("/v1/specs/check", json=load_example(name))
        assert response.status_code == 200, response.text
        report = response.json()
        assert report["spec"]["name"] == name
        assert [warning["code"] for warning in report["warnings"]] == WARNINGS.get(name, [])


@pytest.mark.parametrize("path", SWEEPS, ids=[path.stem for path in SWEEPS])
def test_the_check_of_sweeps_accepts_every_trial_of_the_examples(client, path):
    response = client.post("/v1/sweeps/check", content=path.read_bytes(), headers={"Content-Type": "application/json"})
    assert response.status_code == 200, response.text
    report = response.json()
    assert (report["samples"]["invalid"], report["warnings"]) == (0, [])


def test_every_example_has_a_section_on_the_page():
    headings = re.findall(r"^### \[(.+)\.json\]\((.+)\.json\)$", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(headings) == [(name, name) for name in EXAMPLE_NAMES]
