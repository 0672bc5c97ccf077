"""Tokens of users: their scopes, projects, end and successors, and the sessions that browsers start with them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from api.access.session_cookie import COOKIE_NAME
from models import Token, TokenScope
from tests.api.access.team_server import PROJECT_HEADER, SERVER_TOKEN
from tests.factories import build_token_headers, iris_spec

OWN_SITE = {"Origin": "http://127.0.0.1"}


def get_status(team, text):
    return team.client.get("/v1/jobs", headers=build_token_headers(text)).status_code


def issue(team, user="editor", **body):
    response = team.client.post("/v1/tokens", json={"name": "new", **body}, headers=team.authorize(user))
    assert response.status_code == 201, response.text
    return response.json()


def log_in(team, text):
    response = team.client.post("/v1/session", json={"token": text})
    team.client.cookies.clear()
    assert response.status_code == 204, response.text
    return {"Cookie": f"{COOKIE_NAME}={response.cookies[COOKIE_NAME]}"}


def end_token(team, token_id):
    """Let a token expire now."""
    with team.state.sessions.begin() as session:
        values = {"expires_at": datetime.now(UTC) - timedelta(seconds=5)}
        session.execute(update(Token).where(Token.id == UUID(token_id)).values(values))


class TestTokens:
    def test_the_text_of_a_token_is_shown_once(self, team):
        token = issue(team, scope="read")
        assert get_status(team, token["token"]) == 200
        [listed] = [
            item
            for item in team.client.get("/v1/tokens", headers=team.authorize("editor")).json()["items"]
            if item["id"] == str(token["id"])
        ]
        assert listed == {name: value for name, value in token.items() if name != "token"}
        assert token["token"].startswith(listed["prefix"])

    def test_a_user_lists_own_tokens_and_an_admin_those_of_others(self, team):
        token_id = issue(team)["id"]

        def list_ids(user, query=""):
            response = team.client.get(f"/v1/tokens{query}", headers=team.authorize(user))
            return {item["id"] for item in response.json().get("items", ())}

        assert token_id in list_ids("editor")
        assert token_id not in list_ids("owner")
        assert token_id not in list_ids("admin")
        assert token_id in list_ids("admin", "?user=editor")
        assert list_ids("owner", "?user=editor") == set()

    def test_a_revoked_token_ends_at_once_and_a_repeat_changes_nothing(self, team):
        token = issue(team)
        headers = team.authorize("editor")
        for _ in range(2):
            assert team.client.delete(f"/v1/tokens/{token['id']}", headers=headers).status_code == 204
        assert get_status(team, token["token"]) == 401

    def test_an_expired_token_is_refused(self, team):
        token = issue(team, expires_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
        assert get_status(team, token["token"]) == 200
        end_token(team, token["id"])
        assert get_status(team, token["token"]) == 401

    def test_a_rotated_token_and_its_successor_are_valid_together_for_a_while(self, team):
        token = issue(team, scope="read", project="own")
        headers = team.authorize("editor")
        response = team.client.post(f"/v1/tokens/{token['id']}/rotate", json={"overlap_s": 60}, headers=headers)
        assert response.status_code == 201
        successor = response.json()
        assert {name: successor[name] for name in ("name", "scope", "project_id", "expires_at")} == {
            name: token[name] for name in ("name", "scope", "project_id", "expires_at")
        }
        assert [get_status(team, text) for text in (token["token"], successor["token"])] == [200, 200]
        end_token(team, token["id"])
        assert [get_status(team, text) for text in (token["token"], successor["token"])] == [401, 200]
        response = team.client.post(f"/v1/tokens/{token['id']}/rotate", json={}, headers=headers)
        assert (response.status_code, response.json()["code"]) == (409, "token_not_valid")

    def test_a_rotation_without_an_overlap_ends_the_token_at_once(self, team):
        token = issue(team)
        path = f"/v1/tokens/{token['id']}/rotate"
        assert team.client.post(path, json={"overlap_s": 0}, headers=team.authorize("editor")).status_code == 201
        assert get_status(team, token["token"]) == 401

    def test_a_token_for_one_project_cannot_gain_more_by_another_token(self, team):
        """Neither a successor of a token for all projects, nor a new token, permits more than the own one."""
        unrestricted = issue(team, "both")
        headers = team.authorize("both", project=team.own)
        assert team.client.post(f"/v1/tokens/{unrestricted['id']}/rotate", json={}, headers=headers).status_code == 404
        assert team.client.delete(f"/v1/tokens/{unrestricted['id']}", headers=headers).status_code == 404
        listed = team.client.get("/v1/tokens", headers=headers).json()["items"]
        assert {item["project_id"] for item in listed} == {str(team.own)}
        created = team.client.post("/v1/tokens", json={"name": "new"}, headers=headers).json()
        assert created["project_id"] == str(team.own)
        body = {"name": "new", "project": "foreign"}
        assert team.client.post("/v1/tokens", json=body, headers=headers).status_code == 404

    def test_a_token_for_one_project_works_in_it_whatever_the_first_project_of_the_user(self, team):
        for project in (team.own, team.foreign):
            headers = build_token_headers(team.issue_token("both", TokenScope.SUBMIT, project))
            job_id = team.client.post("/v1/jobs", json=iris_spec(), headers=headers).json()["id"]
            assert team.client.get(f"/v1/jobs/{job_id}", headers=team.authorize("owner")).status_code == (
                200 if project == team.own else 404
            )

    def test_the_last_use_of_a_token_is_recorded(self, team):
        token = issue(team)
        assert token["last_used_at"] is None
        get_status(team, token["token"])
        team.state.token_uses.write()
        items = team.client.get("/v1/tokens", headers=team.authorize("editor")).json()["items"]
        [used] = [item["last_used_at"] for item in items if item["id"] == token["id"]]
        assert used is not None

    @pytest.mark.parametrize("project", ["foreign", "missing", "01934f8e-0000-7000-8000-00000000dead"])
    def test_a_token_for_a_project_that_the_user_does_not_see_is_refused(self, team, project):
        body = {"name": "new", "project": project}
        response = team.client.post("/v1/tokens", json=body, headers=team.authorize("editor"))
        assert (response.status_code, response.json()["detail"]) == (404, f"There is no project '{project}'.")


class TestSessions:
    def test_a_session_permits_what_its_token_permits(self, team):
        cookie = log_in(team, team.issue_token("viewer", TokenScope.READ))
        assert team.client.get("/v1/jobs", headers=cookie).status_code == 200
        response = team.client.post("/v1/jobs", json=iris_spec(), headers=cookie | OWN_SITE)
        assert (response.status_code, response.json()["code"]) == (403, "scope_required")
        state = team.client.get("/v1/session", headers=cookie).json()
        assert (state["logged_in"], state["user"], state["role"]) == (True, "viewer", "member")

    def test_a_logout_ends_the_session_also_for_a_copy_of_the_cookie(self, team):
        cookie = log_in(team, team.issue_token("viewer"))
        assert team.client.delete("/v1/session", headers=cookie | OWN_SITE).status_code == 204
        assert team.client.get("/v1/jobs", headers=cookie).status_code == 401

    def test_a_logout_leaves_the_token_and_other_sessions(self, team):
        text = team.issue_token("viewer")
        first, second = log_in(team, text), log_in(team, text)
        team.client.delete("/v1/session", headers=first | OWN_SITE)
        assert team.client.get("/v1/jobs", headers=second).status_code == 200
        assert get_status(team, text) == 200

    def test_a_session_ends_with_its_token(self, team):
        token = issue(team)
        cookie = log_in(team, token["token"])
        assert team.client.get("/v1/jobs", headers=cookie).status_code == 200
        team.client.delete(f"/v1/tokens/{token['id']}", headers=team.authorize("editor"))
        assert team.client.get("/v1/jobs", headers=cookie).status_code == 401

    def test_a_session_ends_when_a_rotated_token_does(self, team):
        token = issue(team)
        cookie = log_in(team, token["token"])
        path = f"/v1/tokens/{token['id']}/rotate"
        team.client.post(path, json={"overlap_s": 0}, headers=team.authorize("editor"))
        assert team.client.get("/v1/jobs", headers=cookie).status_code == 401

    def test_a_cookie_is_no_bearer_token_and_a_token_is_no_cookie(self, team):
        text = team.issue_token("viewer")
        cookie = log_in(team, text)["Cookie"]
        assert get_status(team, cookie.partition("=")[2]) == 401
        assert team.client.get("/v1/jobs", headers={"Cookie": f"{COOKIE_NAME}={text}"}).status_code == 401

    def test_a_session_writes_for_the_own_site_only(self, team):
        cookie = log_in(team, team.issue_token("editor")) | {PROJECT_HEADER: str(team.own)}
        for headers, status in ((OWN_SITE, 201), ({}, 403), ({"Origin": "https://evil.example"}, 403)):
            assert team.client.post("/v1/jobs", json=iris_spec(), headers=cookie | headers).status_code == status

    def test_the_token_of_the_server_still_logs_in_as_an_admin(self, team):
        cookie = log_in(team, SERVER_TOKEN)
        assert team.client.get("/v1/users", headers=cookie).status_code == 200

    def test_a_revoked_token_does_not_log_in(self, team):
        token = issue(team)
        team.client.delete(f"/v1/tokens/{token['id']}", headers=team.authorize("editor"))
        response = team.client.post("/v1/session", json={"token": token["token"]})
        assert (response.status_code, response.json()["code"]) == (401, "wrong_token")
