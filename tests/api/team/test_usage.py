"""Usage by user, project and day: what members and admins see of it."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from models import DEFAULT_PROJECT_ID, Artifact, Dataset, UsageRecord, User
from models.team import NO_USER_ID
from service.db.ids import new_id
from tests.factories import build_token_headers, iris_spec

TODAY = datetime.now(UTC).date()
FIELDS = ("device_seconds", "jobs", "epochs", "bytes")


@pytest.fixture
def used_team(either_team):
    """Bob and Eve have used the default project, and Eve alone the project `vision`."""
    either_team.add_user("bob")
    either_team.add_user("eve")
    ada = either_team.act_as("ada")
    either_team.projects = {"default": str(DEFAULT_PROJECT_ID)}
    either_team.projects["vision"] = ada.post("/v1/projects", json={"name": "vision"}).json()["id"]
    ada.put(f"/v1/projects/{either_team.projects['vision']}/members/eve", json={"role": "editor"}).raise_for_status()
    job_id = either_team.act_as("bob").post("/v1/jobs", json=iris_spec()).json()["id"]
    bob, eve = (UUID(either_team.user_ids[name]) for name in ("bob", "eve"))
    vision = UUID(either_team.projects["vision"])
    with either_team.client.app.state.stackyard.sessions.begin() as session:
        session.add_all(
            [
                build_record(0, bob, DEFAULT_PROJECT_ID, "cpu", 10.0, 2),
                build_record(0, bob, DEFAULT_PROJECT_ID, "gpu", 5.5, 1),
                build_record(40, bob, DEFAULT_PROJECT_ID, "cpu", 1000.0, 1),
                build_record(1, eve, DEFAULT_PROJECT_ID, "cpu", 7.0, 1),
                build_record(1, eve, vision, "cpu", 100.0, 3),
                build_record(1, NO_USER_ID, DEFAULT_PROJECT_ID, "cpu", 1.0, 1),
                build_dataset(eve, vision, 500),
                build_dataset(bob, DEFAULT_PROJECT_ID, 30),
                Artifact(
                    job_id=UUID(job_id), kind="model", sha256="0" * 64, bytes=4, media_type="x", created_at=get_now()
                ),
            ]
        )
    return either_team


def get_now():
    return datetime.now(UTC)


def build_record(days_ago, user_id, project_id, device, seconds, jobs):
    return UsageRecord(
        day=TODAY - timedelta(days=days_ago),
        user_id=user_id,
        project_id=project_id,
        device=device,
        device_seconds=seconds,
        jobs=jobs,
        epochs=10 * jobs,
    )


def build_dataset(owner_id, project_id, size):
    return Dataset(
        id=new_id(),
        project_id=project_id,
        owner_id=owner_id,
        name="data",
        version=1,
        media_type="text/csv",
        sha256="1" * 64,
        bytes=size,
        description={},
        created_at=get_now(),
    )


def read_usage(client, *keys, **parameters):
    response = client.get("/v1/usage", params=parameters | ({"group_by": list(keys)} if keys else {}))
    assert response.status_code == 200, response.text
    return {
        tuple(item[key] for key in keys): tuple(item[name] for name in FIELDS) for item in response.json()["items"]
    }


def test_an_admin_sees_the_usage_of_all(used_team):
    ada = used_team.act_as("ada")
    assert read_usage(ada, "user", "project") == {
        ("bob", "default"): (15.5, 3, 30, 34),
        ("eve", "default"): (7.0, 1, 10, 0),
        ("eve", "vision"): (100.0, 3, 30, 500),
        (None, "default"): (1.0, 1, 10, 0),
    }
    assert read_usage(ada, "project") == {("default",): (23.5, 5, 50, 34), ("vision",): (100.0, 3, 30, 500)}
    [bob] = [item for item in ada.get("/v1/usage?group_by=user").json()["items"] if item["user"] == "bob"]
    assert (bob["cpu_seconds"], bob["gpu_seconds"]) == (10.0, 5.5)


def test_days_and_periods(used_team):
    ada = used_team.act_as("ada")
    yesterday = str(TODAY - timedelta(days=1))
    assert read_usage(ada, "day") == {(str(TODAY),): (15.5, 3, 30, 534), (yesterday,): (108.0, 5, 50, 0)}
    assert read_usage(
        ada, "user", **{"from": str(TODAY - timedelta(days=40)), "to": str(TODAY - timedelta(days=2))}
    ) == {("bob",): (1000.0, 1, 10, 0)}
    document = ada.get("/v1/usage").json()
    assert (document["from"], document["to"]) == (str(TODAY - timedelta(days=29)), str(TODAY))
    assert document["group_by"] == ["user", "project"]


def test_members_see_their_own_usage_and_that_of_their_projects(used_team):
    bob, eve = used_team.act_as("bob"), used_team.act_as("eve")
    assert set(read_usage(bob, "user", "project")) == {("bob", "default"), ("eve", "default"), (None, "default")}
    assert read_usage(eve, "project")[("vision",)] == (100.0, 3, 30, 500)
    used_team.act_as("ada").delete(f"/v1/projects/{used_team.projects['default']}/members/eve").raise_for_status()
    assert set(read_usage(eve, "user", "project")) == {("eve", "default"), ("eve", "vision")}


def test_a_token_for_one_project_shows_that_project(used_team):
    token = used_team.act_as("eve").post("/v1/tokens", json={"name": "n", "project": "vision"}).json()["token"]
    headers = build_token_headers(token)
    items = used_team.client.get("/v1/usage", headers=headers).json()["items"]
    assert [(item["user"], item["project"]) for item in items] == [("eve", "vision")]


def test_csv_has_the_same_rows(used_team):
    ada = used_team.act_as("ada")
    response = ada.get("/v1/usage?group_by=user", headers={"Accept": "text/csv"})
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(response.text))}
    assert rows["eve"]["device_seconds"] == "107.0"
    assert ada.get("/v1/usage?group_by=user&format=csv").text == response.text


@pytest.mark.parametrize(
    "query", ["from=2026-01-02&to=2026-01-01", "from=0001-01-01", "to=9999-12-31", "group_by=color", "from=x"]
)
def test_periods_and_groups_that_are_refused(team, query):
    response = team.act_as("ada").get(f"/v1/usage?{query}")
    assert (response.status_code, response.json()["code"]) == (422, "invalid")


def test_without_users_everything_is_without_an_owner(client):
    assert client.get("/v1/usage").json()["items"] == []


def test_admins_see_the_standing_of_all_in_the_fair_share_and_members_their_own(used_team):
    with used_team.client.app.state.stackyard.sessions.begin() as session:
        session.execute(update(User).values(usage_at=get_now()))
        session.execute(update(User).where(User.name == "bob").values(decayed_usage=300.0, shares=2.0))
        session.execute(update(User).where(User.name == "eve").values(decayed_usage=100.0))
    shares = used_team.act_as("ada").get("/v1/usage").json()["shares"]
    assert [(share["user"], share["shares"]) for share in shares] == [("ada", 1.0), ("bob", 2.0), ("eve", 1.0)]
    assert [share["share_used"] for share in shares] == pytest.approx([0.0, 1.5, 1.0], rel=0.01)
    [own] = used_team.act_as("eve").get("/v1/usage").json()["shares"]
    assert (own["user"], own["decayed_seconds"]) == ("eve", pytest.approx(100.0, rel=0.01))
