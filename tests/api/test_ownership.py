"""Owners and projects in views and lists, and the filters by them."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from service.db.database import SessionFactory
from service.team.ownership.names import load_ownership_names
from tests.conftest import LOCAL_URL
from tests.factories import build_token_headers, iris_spec, submit_job
from tests.sweep.factories import build_sweep_document

CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def team(client):
    """Clients of an admin, Ann, and a member, Ben, who is also a member of the project `vision`."""
    ann = log_in(client, client.post("/v1/users", json={"name": "ann", "role": "admin"}))
    ben = log_in(client, ann.post("/v1/users", json={"name": "ben"}))
    project = ann.post("/v1/projects", json={"name": "vision"}).json()
    ann.put(f"/v1/projects/{project['id']}/members/ben", json={"role": "editor"}).raise_for_status()
    return ann, ben


def log_in(client, response):
    token = response.json()["token"]["token"]
    return TestClient(client.app, LOCAL_URL, headers=build_token_headers(token))


def create_objects(client, headers):
    """Create a job and a sweep, and return their views by the paths of their lists."""
    job = client.post("/v1/jobs", json=iris_spec(), headers=headers)
    sweep = client.post("/v1/sweeps", json=build_sweep_document(budget={"trials": 1}), headers=headers)
    responses = {"/v1/jobs": job, "/v1/sweeps": sweep}
    assert {path: response.status_code for path, response in responses.items()} == dict.fromkeys(responses, 201)
    return {path: response.json() for path, response in responses.items()}


def list_ownerships(client, path, **parameters):
    items = client.get(path, params=parameters).raise_for_status().json()["items"]
    return {(item["owner"], item["project"]) for item in items}


def test_views_and_lists_show_owners_and_projects_and_filter_by_them(team):
    ann, ben = team
    create_objects(ann, {})
    for path, view in create_objects(ben, {"X-Stackyard-Project": "vision"}).items():
        assert (view["owner"], view["project"]) == ("ben", "vision"), path
        assert ann.get(f"{path}/{view['id']}").json()["owner"] == "ben"
        anns, bens = {("ann", "default")}, {("ben", "vision")}
        assert list_ownerships(ann, path) >= anns | bens, path
        assert list_ownerships(ann, path, owner="me") == list_ownerships(ben, path, owner="ann") == anns
        assert list_ownerships(ben, path, owner="me") == list_ownerships(ann, path, owner="ben") == bens
        assert list_ownerships(ben, path, project="vision") == bens
        assert list_ownerships(ben, path, project="vision", owner="ann") == set()
        assert list_ownerships(ben, path, owner="missing") == list_ownerships(ben, path, project="none") == set()
    assert sum(ann.get("/v1/jobs/counts?owner=ben&project=vision").json().values()) == len(
        ann.get("/v1/jobs?owner=ben").json()["items"]
    )


def test_datasets_show_owners_and_projects_and_are_filtered_by_them(team):
    ann, ben = team
    headers = CSV | {"X-Stackyard-Project": "vision"}
    dataset = ben.post("/v1/datasets?name=table", content="a,b\n1,2\n3,4\n", headers=headers).json()
    assert (dataset["owner"], dataset["project"]) == ("ben", "vision")
    assert ann.get(f"/v1/datasets/{dataset['id']}").json()["owner"] == "ben"
    assert list_ownerships(ben, "/v1/datasets", owner="me") == {("ben", "vision")}
    assert list_ownerships(ann, "/v1/datasets", project="vision") == {("ben", "vision")}
    assert list_ownerships(ann, "/v1/datasets", owner="me") == set()
    assert list_ownerships(ann, "/v1/datasets", project="default") == {(None, "default")}  # the built-in ones


def test_the_filters_follow_pages(team):
    ann, ben = team
    ids = [ben.post("/v1/jobs", json=iris_spec()).json()["id"] for _ in range(3)]
    ann.post("/v1/jobs", json=iris_spec())
    first = ann.get("/v1/jobs?owner=ben&limit=2").json()
    rest = ann.get(f"/v1/jobs?owner=ben&limit=2&cursor={first['next']}").json()
    assert [job["id"] for job in first["items"] + rest["items"]] == ids[::-1]
    by_name = ann.get("/v1/jobs?owner=ben&sort=name&order=asc").json()["items"]
    assert {job["id"] for job in by_name} == set(ids)


def test_a_project_of_others_filters_like_one_that_does_not_exist(team):
    ann, ben = team
    secret = ann.post("/v1/projects", json={"name": "secret"}).json()
    ann.post("/v1/jobs", json=iris_spec(), headers={"X-Stackyard-Project": "secret"})
    for project in ("secret", secret["id"]):
        assert ann.get(f"/v1/jobs?project={project}").json()["items"] != []
        assert ben.get(f"/v1/jobs?project={project}").json() == ben.get("/v1/jobs?project=missing").json()


def test_the_owner_of_jobs_stays_unnamed_once_the_user_is_deleted(team):
    ann, ben = team
    job = ben.post("/v1/jobs", json=iris_spec()).json()
    assert ben.post(f"/v1/jobs/{job['id']}/cancel").status_code == 202
    assert ann.delete("/v1/users/ben").status_code == 204
    assert ann.get(f"/v1/jobs/{job['id']}").json()["owner"] is None


def test_without_users_all_objects_are_your_own(client):
    for path, view in create_objects(client, {}).items():
        assert (view["owner"], view["project"]) == (None, "default")
        assert view["id"] in [item["id"] for item in client.get(f"{path}?owner=me&project=default").json()["items"]]
        assert client.get(f"{path}?owner=ann").json()["items"] == []


def test_names_need_no_query_on_a_server_without_users(sessions: SessionFactory):
    job = submit_job(sessions)
    statements = []
    with sessions.read() as session:
        event.listen(session.get_bind(), "before_cursor_execute", lambda *args: statements.append(args[2]))
        names = load_ownership_names(session, [job])
    assert (names.get_owner(job), names.get_project(job), statements) == (None, "default", [])
