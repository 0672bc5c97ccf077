"""The spec of a job as the client sent it, beside the one with every default."""

import json

import pytest

from tests.factories import iris_spec


@pytest.fixture
def get_spec(client):
    def get_spec(job):
        response = client.get(f"/v1/jobs/{job['id']}/spec")
        assert response.status_code == 200, response.text
        return response.json()

    return get_spec


def test_a_document_is_kept_as_sent_with_the_order_of_its_keys(client, get_spec):
    document = dict(reversed(iris_spec(name="größe").items()))
    content = json.dumps(document, indent=3).encode()
    job = client.post("/v1/jobs", content=content, headers={"Content-Type": "application/json"}).json()
    kept = get_spec(job)
    assert json.dumps(kept["as_sent"]) == json.dumps(document)
    assert kept["spec"] == job["spec"]
    assert kept["spec"]["training"]["seed"] is not None


def test_a_complete_spec_is_not_kept_twice(client, get_spec, submit):
    complete = submit()["spec"]
    job = client.post("/v1/jobs", json=complete).json()
    assert get_spec(job) == {"spec": complete, "as_sent": None}


def test_a_retry_has_the_document_of_the_first_job(client, get_spec, submit):
    job = submit(tags=["first"])
    client.post(f"/v1/jobs/{job['id']}/cancel")
    retry = client.post(f"/v1/jobs/{job['id']}/retry").json()
    assert get_spec(retry) == get_spec(job)
    assert get_spec(retry)["as_sent"]["tags"] == ["first"]


def test_a_change_of_the_name_leaves_the_document_as_it_was(client, get_spec, submit):
    job = submit(name="before")
    client.patch(f"/v1/jobs/{job['id']}", json={"name": "after"})
    kept = get_spec(job)
    assert (kept["as_sent"]["name"], kept["spec"]["name"]) == ("before", "after")


def test_an_unknown_job_has_no_spec(client):
    response = client.get("/v1/jobs/01a22e2a-ac35-7000-8000-000000000000/spec")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
