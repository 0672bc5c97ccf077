"""The audit: an entry for each write and refusal, in the transaction of the write, and its list for admins."""

import csv
import io
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from api.audit.refusal_recorder import LIMIT_CODE, MAX_USER_ENTRIES, RefusalRecorder
from models import AuditEntry
from service.db.ids import new_id
from service.team.audit import entries
from service.team.audit.audited_request import AuditedRequest
from service.team.audit.entries import AuditFilter
from tests.factories import build_token_headers, iris_spec


def read_audit(client, **parameters):
    """Return all entries, the oldest first."""
    found, cursor = [], {}
    while cursor is not None:
        page = client.get("/v1/audit", params=parameters | cursor).raise_for_status().json()
        found += page["items"]
        cursor = None if page["next"] is None else {"cursor": page["next"]}
    return found[::-1]


def list_actions(client, **parameters):
    return [(entry["action"], entry["user_name"], entry["status"]) for entry in read_audit(client, **parameters)]


def submit(client, **changes):
    response = client.post("/v1/jobs", json=iris_spec(**changes))
    assert response.status_code == 201, response.text
    return response.json()["id"]


def fail_audit(url_session):
    """Make each insertion of an entry fail in the database."""
    if url_session.get_bind().dialect.name == "sqlite":
        statement = "CREATE TRIGGER refuse BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'full'); END"
    else:
        statement = "ALTER TABLE audit_entries ADD CONSTRAINT refuse CHECK (status < 0) NOT VALID"
    url_session.execute(text(statement))


class TestWrites:
    def test_each_write_has_an_entry_with_its_user_token_and_object(self, either_team):
        bob = either_team.add_user("bob")
        job_id = submit(bob)
        assert bob.patch(f"/v1/jobs/{job_id}", json={"name": "mine"}).status_code == 200
        ada = either_team.act_as("ada")
        assert ada.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
        assert ada.delete(f"/v1/jobs/{job_id}").status_code == 204
        found = read_audit(ada, object=job_id)
        assert [(entry["action"], entry["user_name"], entry["status"]) for entry in found] == [
            ("POST /v1/jobs", "bob", 201),
            ("PATCH /v1/jobs/{job_id}", "bob", 200),
            ("POST /v1/jobs/{job_id}/cancel", "ada", 202),
            ("DELETE /v1/jobs/{job_id}", "ada", 204),
        ]
        assert {entry["object_type"] for entry in found} == {"job"}
        assert {entry["project_id"] for entry in found} == {str(UUID("00000000-0000-7000-8000-000000000000"))}
        assert found[0]["token_prefix"] == either_team.tokens["bob"][:9]
        assert found[0]["user_id"] == either_team.user_ids["bob"]
        assert found[0]["client"] == "testclient"

    def test_users_projects_members_tokens_datasets_sweeps_and_logins_have_entries(self, team):
        team.add_user("bob")
        ada = team.act_as("ada")
        project = ada.post("/v1/projects", json={"name": "vision"}).json()["id"]
        ada.put(f"/v1/projects/{project}/members/bob", json={"role": "editor"}).raise_for_status()
        ada.patch("/v1/users/bob", json={"shares": 2}).raise_for_status()
        token = ada.post("/v1/users/bob/tokens", json={"name": "night"}).raise_for_status().json()
        bob = team.act_as("bob", **{"X-Stackyard-Project": "vision"})
        upload = {"content": b"a,b\n1,2\n3,4\n", "headers": {"Content-Type": "text/csv"}}
        dataset = bob.post("/v1/datasets?name=small", **upload).json()["id"]
        assert bob.post("/v1/datasets?name=small", **upload).status_code == 200
        sweep = bob.post("/v1/sweeps", json={"specs": [iris_spec()]}).raise_for_status().json()["id"]
        assert bob.post("/v1/session", json={"token": token["token"]}).status_code == 204
        found = [
            (entry["action"], entry["status"], entry["object_id"], entry["project_id"]) for entry in read_audit(ada)
        ]
        session_id = found[-1][2]
        assert found == [
            ("POST /v1/users", 201, team.user_ids["ada"], None),
            ("POST /v1/users", 201, team.user_ids["bob"], None),
            ("POST /v1/projects", 201, project, project),
            ("PUT /v1/projects/{project_id}/members/{user}", 200, team.user_ids["bob"], project),
            ("PATCH /v1/users/{user}", 200, team.user_ids["bob"], None),
            ("POST /v1/users/{user}/tokens", 201, token["id"], None),
            ("POST /v1/datasets", 201, dataset, project),
            ("POST /v1/datasets", 200, dataset, project),
            ("POST /v1/sweeps", 201, sweep, project),
            ("POST /v1/session", 204, session_id, None),
        ]
        assert read_audit(ada)[-1]["user_name"] == "bob"
        assert session_id in {entry["id"] for entry in bob.get("/v1/tokens").json()["items"]}

    def test_each_submit_of_a_batch_has_its_own_entry(self, either_team):
        names = ["bob", "eve"]
        clients = [either_team.add_user(name) for name in names]
        jobs: dict[str, str] = {}

        def submit_many(name, client):
            for _ in range(5):
                jobs[submit(client)] = name

        threads = [
            threading.Thread(target=submit_many, args=pair)
            for pair in zip(names * 2, clients + [either_team.act_as(name) for name in names], strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = read_audit(either_team.act_as("ada"), action="POST /v1/jobs")
        assert {entry["object_id"]: entry["user_name"] for entry in found} == jobs
        assert len(found) == len(jobs) == 20

    def test_actions_on_many_jobs_have_an_entry_for_each_also_for_the_refused_ones(self, team):
        bob = team.add_user("bob")
        first, second, missing = submit(bob), submit(bob), str(uuid4())
        bob.post("/v1/jobs/actions", json={"action": "delete", "ids": [first]}).raise_for_status()
        bob.post(f"/v1/jobs/{second}/cancel").raise_for_status()
        retried = bob.post("/v1/jobs/actions", json={"action": "retry", "ids": [second, missing]})
        new = retried.json()["results"][0]["job"]["id"]
        team.client.app.state.stackyard.refusal_recorder.end_period()
        ada = team.act_as("ada")
        assert list_actions(ada, object=first)[-1] == ("DELETE /v1/jobs/{job_id}", "bob", 200)
        assert list_actions(ada, object=new) == [("POST /v1/jobs/{job_id}/retry", "bob", 200)]
        assert list_actions(ada, object=missing) == [("POST /v1/jobs/{job_id}/retry", "bob", 404)]

    def test_reads_and_checks_have_no_entry(self, team):
        ada = team.act_as("ada")
        before = len(read_audit(ada))
        ada.get("/v1/jobs")
        assert ada.post("/v1/specs/check", json=iris_spec()).status_code == 200
        ada.get(f"/v1/jobs/{uuid4()}")
        assert len(read_audit(ada)) == before

    def test_without_users_nothing_is_recorded(self, client, submit):
        job = submit()
        client.post(f"/v1/jobs/{job['id']}/cancel")
        client.post(f"/v1/jobs/{uuid4()}/cancel")
        assert client.get("/v1/audit").json() == {"items": [], "next": None}


class TestTransactions:
    def test_a_write_whose_entry_fails_does_not_happen(self, either_team):
        ada = either_team.act_as("ada")
        job_id = submit(ada)
        sessions = either_team.client.app.state.stackyard.sessions
        with sessions.begin() as session:
            fail_audit(session)
        assert ada.post("/v1/jobs", json=iris_spec()).status_code >= 500
        assert ada.post("/v1/jobs", json=iris_spec(), headers={"Idempotency-Key": "k"}).status_code >= 500
        assert ada.delete(f"/v1/jobs/{job_id}").status_code >= 500
        assert ada.post("/v1/projects", json={"name": "vision"}).status_code >= 500
        assert [job["id"] for job in ada.get("/v1/jobs").json()["items"]] == [job_id]
        assert len(ada.get("/v1/projects").json()["items"]) == 1

    def test_a_write_that_fails_has_only_the_entry_of_its_refusal(self, either_team):
        ada = either_team.act_as("ada")
        assert ada.post("/v1/projects", json={"name": "default"}).status_code == 409
        [entry] = read_audit(ada, action="POST /v1/projects")
        assert (entry["status"], entry["code"]) == (409, "name_taken")


class TestRefusals:
    def test_refused_writes_and_forbidden_reads_have_entries(self, either_team):
        bob = either_team.add_user("bob")
        job_id, missing = submit(bob), str(uuid4())
        assert bob.post("/v1/jobs", json={}).status_code == 422
        assert bob.post(f"/v1/jobs/{missing}/cancel").status_code == 404
        assert bob.get("/v1/audit").status_code == 403
        assert bob.post("/v1/jobs", content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
        either_team.client.get(f"/v1/jobs/{job_id}")
        found = read_audit(either_team.act_as("ada"), outcome="refused")
        assert [(entry["action"], entry["user_name"], entry["status"], entry["code"]) for entry in found] == [
            ("POST /v1/jobs", "bob", 422, "invalid"),
            ("POST /v1/jobs/{job_id}/cancel", "bob", 404, "not_found"),
            ("GET /v1/audit", "bob", 403, "admin_required"),
            ("POST /v1/jobs", "bob", 415, "unsupported_media_type"),
            ("GET /v1/jobs/{job_id}", None, 401, "unauthorized"),
        ]
        assert [entry["object_id"] for entry in found] == [None, missing, None, None, job_id]

    def test_no_secret_is_recorded(self, team):
        wrong = "sy_" + "0" * 33
        team.client.get("/v1/jobs", headers=build_token_headers(wrong))
        team.client.post("/v1/session", json={"token": "hunter2"})
        team.client.post("/v1/jobs?token=hunter2", json={})
        team.client.post("/hunter2", json={})
        csv_text = team.act_as("ada").get("/v1/audit?format=csv").text
        assert "hunter2" not in csv_text
        assert wrong not in csv_text
        assert team.tokens["ada"][9:] not in csv_text

    def test_a_flood_of_strangers_is_counted(self, team):
        for _ in range(MAX_USER_ENTRIES + 7):
            assert team.client.get("/v1/jobs").status_code == 401
        ada = team.act_as("ada")
        assert ada.post("/v1/jobs", json={}).status_code == 422
        assert len(read_audit(ada, outcome="refused")) == MAX_USER_ENTRIES + 1
        team.client.app.state.stackyard.refusal_recorder.end_period()
        last = read_audit(ada, outcome="refused")[-1]
        assert (last["action"], last["status"], last["code"]) == ("7 more refusals", 401, LIMIT_CODE)

    def test_the_end_of_a_period_writes_the_numbers_by_itself(self, either_sessions):
        recorder = RefusalRecorder(either_sessions, period_s=0.2)
        for _ in range(MAX_USER_ENTRIES + 1):
            recorder.record(AuditedRequest("POST /v1/jobs"), 422, "invalid")
        recorder._timer.join()
        with either_sessions.read() as session:
            page = entries.list_entries(session, AuditFilter(), limit=200, cursor=None)
        recorder.close()
        assert page.items[0].action == "1 more refusals"
        assert len(page.items) == MAX_USER_ENTRIES + 1


class TestList:
    def test_filters(self, either_team):
        bob = either_team.add_user("bob")
        ada = either_team.act_as("ada")
        project = ada.post("/v1/projects", json={"name": "vision"}).json()["id"]
        submit(bob)
        bob.post("/v1/jobs", json={})
        now = datetime.now(UTC)
        assert list_actions(ada, user="bob") == [("POST /v1/jobs", "bob", 201), ("POST /v1/jobs", "bob", 422)]
        assert list_actions(ada, user=either_team.user_ids["bob"], outcome="accepted") == [
            ("POST /v1/jobs", "bob", 201)
        ]
        assert list_actions(ada, project="vision") == [("POST /v1/projects", "ada", 201)]
        assert list_actions(ada, project=project) == list_actions(ada, project="vision")
        assert list_actions(ada, since=(now + timedelta(hours=2)).isoformat()) == []
        assert list_actions(ada, until=(now - timedelta(hours=2)).isoformat()) == []
        assert len(list_actions(ada, since=(now - timedelta(hours=2)).isoformat())) == 5
        assert ada.get("/v1/audit?user=carol").status_code == 404
        assert ada.get("/v1/audit?project=carol").status_code == 404

    def test_pages_and_csv_have_the_same_entries(self, either_team):
        ada = either_team.act_as("ada")
        with either_team.client.app.state.stackyard.sessions.begin() as session:
            session.add_all(build_entry(request_id="=1+1" if index == 0 else None) for index in range(1100))
        found = read_audit(ada, limit=200)
        assert len(found) == 1101
        assert len({entry["id"] for entry in found}) == 1101
        response = ada.get("/v1/audit", headers={"Accept": "text/csv"})
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(response.text)))
        assert [row["id"] for row in rows] == [entry["id"] for entry in found[::-1]]
        assert rows[-2]["request_id"] == "'=1+1"  # a spreadsheet must not run it
        assert rows[0]["code"] == ""

    def test_only_an_admin_sees_it(self, team):
        assert team.add_user("bob").get("/v1/audit").status_code == 403


@pytest.mark.parametrize("days", [30, None])
def test_old_entries_are_deleted_in_batches(either_sessions, days):
    now = datetime.now(UTC)
    with either_sessions.begin() as session:
        session.add_all(build_entry(at=now - timedelta(days=31)) for _ in range(1500))
        session.add_all(build_entry(at=now - timedelta(days=29)) for _ in range(3))
    assert entries.delete_old_entries(either_sessions, days) == (0 if days is None else 1500)
    with either_sessions.read() as session:
        assert session.query(AuditEntry).count() == (1503 if days is None else 3)


def build_entry(**columns):
    values = {"id": new_id(), "at": datetime.now(UTC), "action": "POST /v1/jobs", "status": 201}
    return AuditEntry(**values | columns)
