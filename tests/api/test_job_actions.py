"""One action on many jobs: each job has its own result."""

from uuid import uuid4

import pytest


@pytest.fixture
def act(client):
    """Apply an action to jobs, and return their results by id."""

    def act(action, *ids, headers=None, **body):
        response = client.post("/v1/jobs/actions", json={"action": action, "ids": ids, **body}, headers=headers)
        assert response.status_code == 200, response.text
        return {result["id"]: result for result in response.json()["results"]}

    return act


def test_a_job_that_refuses_does_not_hold_up_the_others(client, submit, act):
    ids = [submit()["id"] for _ in range(3)]
    absent = str(uuid4())
    assert act("pause", ids[0])[ids[0]]["job"]["state"] == "paused"
    client.post(f"/v1/jobs/{ids[1]}/cancel")
    results = act("pause", absent, *ids, ids[2])
    assert list(results) == [absent, *ids]
    assert {id_: result["ok"] for id_, result in results.items()} == {
        absent: False,
        ids[0]: True,
        ids[1]: False,
        ids[2]: True,
    }
    assert (results[absent]["problem"]["status"], results[absent]["job"]) == (404, None)
    assert results[ids[1]]["problem"]["code"] == "already_finished"
    assert (results[ids[2]]["problem"], results[ids[2]]["job"]["state"]) == (None, "paused")


def test_jobs_are_resumed_cancelled_retried_and_deleted(client, submit, act):
    ids = [submit()["id"] for _ in range(2)]
    act("pause", *ids)
    assert {result["job"]["state"] for result in act("resume", *ids).values()} == {"queued"}
    assert {result["job"]["state"] for result in act("cancel", *ids).values()} == {"cancelled"}
    key = {"Idempotency-Key": "k" * 200}
    retried = {id_: result["job"]["id"] for id_, result in act("retry", *ids, headers=key).items()}
    assert retried == {id_: result["job"]["id"] for id_, result in act("retry", *ids, headers=key).items()}
    assert client.get(f"/v1/jobs/{retried[ids[0]]}").json()["retry_of"] == ids[0]
    assert {(result["ok"], result["job"]) for result in act("delete", *ids).values()} == {(True, None)}
    assert {job["id"] for job in client.get("/v1/jobs").json()["items"]} == set(retried.values())


def test_tags_are_added_and_removed(client, submit, act):
    first, second = submit(tags=["a", "b"])["id"], submit()["id"]
    results = act("tag", first, second, add_tags=["c", "a"], remove_tags=["b"])
    assert [results[id_]["job"]["tags"] for id_ in (first, second)] == [["a", "c"], ["a", "c"]]
    assert client.get(f"/v1/jobs/{first}").json()["spec"]["tags"] == ["a", "c"]
    results = act("tag", first, second, add_tags=[f"t{index}" for index in range(49)])
    assert results[first]["problem"]["errors"][0]["pointer"] == "/add_tags"
    assert client.get(f"/v1/jobs/{first}").json()["tags"] == ["a", "c"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("{}", ""),
        ('{"action": "cancel", "action": "delete", "ids": ["00000000-0000-0000-0000-000000000000"]}', "/action"),
        ('{"action": "explode", "ids": ["00000000-0000-0000-0000-000000000000"]}', "/action"),
        ('{"action": "cancel", "ids": []}', "/ids"),
        ('{"action": "cancel", "ids": ["x"]}', "/ids/0"),
        ('{"action": "tag", "ids": ["00000000-0000-0000-0000-000000000000"]}', ""),
        ('{"action": "cancel", "ids": ["00000000-0000-0000-0000-000000000000"], "add_tags": ["a"]}', ""),
        ('{"action": "tag", "ids": ["00000000-0000-0000-0000-000000000000"], "add_tags": [""]}', "/add_tags/0"),
        ("[", ""),
    ],
)
def test_an_invalid_request_changes_nothing_and_says_where(client, body, pointer):
    response = client.post("/v1/jobs/actions", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert pointer in [error["pointer"] for error in response.json()["errors"]]
