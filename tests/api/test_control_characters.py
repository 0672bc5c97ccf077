"""Control characters in names and tags are refused on entry, with a pointer: other users' terminals print them."""

import pytest

from models import Job
from stackyard.spec import JobSpec
from tests.factories import iris_spec, submit_job

CONTROL_CHARACTERS = ["\x1b", "\n", "\x7f", "\x9b", "\u2028", "\u202e", "\u2066"]


@pytest.mark.parametrize("character", CONTROL_CHARACTERS)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_control_character_in_a_name_or_a_tag_is_refused_with_its_pointer(client, sessions, method, character):
    path = "/v1/jobs" if method == "POST" else f"/v1/jobs/{submit_job(sessions).id}"
    names = {"name": f"a{character}b", "tags": ["fine", f"{character}[2J"]}

    response = client.request(method, path, json=iris_spec(**names) if method == "POST" else names)

    assert response.status_code == 422
    document = response.json()
    assert [error["pointer"] for error in document["errors"]] == ["/name", "/tags/1"]
    assert "control characters" in document["detail"]
    assert not any(character in error["message"] for error in document["errors"])


@pytest.mark.parametrize("character", CONTROL_CHARACTERS)
def test_a_control_character_in_the_name_of_a_dataset_is_refused_with_its_pointer(client, character):
    params = {"name": f"a{character}b"}
    response = client.post("/v1/datasets", params=params, content=b"x\n1\n", headers={"Content-Type": "text/csv"})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/name")


def test_letters_of_all_scripts_and_joined_emoji_are_allowed(client):
    names = {"name": "größe 尺寸 👩‍👩‍👧", "tags": ["مرحبا"]}
    response = client.post("/v1/jobs", json=iris_spec(**names))
    assert (response.status_code, response.json()["name"]) == (201, names["name"])


def test_a_stored_spec_with_a_control_character_stays_readable(client, sessions):
    job = submit_job(sessions)
    with sessions.begin() as session:
        row = session.get(Job, job.id)
        row.name, row.spec = "a\x1b", row.spec | {"name": "a\x1b"}
    assert client.get(f"/v1/jobs/{job.id}").json()["name"] == "a\x1b"
    assert JobSpec.model_validate(row.spec).name == "a\x1b"


def test_a_retry_removes_control_characters_that_an_earlier_release_stored(client, sessions):
    job = submit_job(sessions)
    client.post(f"/v1/jobs/{job.id}/cancel")
    with sessions.begin() as session:
        row = session.get(Job, job.id)
        row.spec = row.spec | {"name": "a\x1b[2Jb", "tags": ["fine", "\x07", "c\u202ed"]}

    copy = client.post(f"/v1/jobs/{job.id}/retry").json()

    assert (copy["name"], copy["tags"]) == ("a[2Jb", ["cd", "fine"])
    assert (copy["spec"]["name"], copy["spec"]["tags"]) == ("a[2Jb", ["fine", "cd"])
