"""Users: the first one makes a team's server, the last admin stays, and a disabled user is refused at once."""

import pytest
from pydantic import SecretStr

from tests.factories import build_token_headers, iris_spec


def add_user(client, name, headers=None, **body):
    return client.post("/v1/users", json={"name": name, **body}, headers=headers or {})


def issue_token(team):
    return team.client.post("/v1/tokens", json={"name": "new"}, headers=team.authorize("admin")).json()["id"]


class TestFirstUser:
    def test_the_first_user_makes_the_server_a_teams_server_at_once(self, client):
        assert client.get("/v1/jobs").status_code == 200
        job_id = client.post("/v1/jobs", json=iris_spec()).json()["id"]
        response = add_user(client, "ann", role="admin")
        assert response.status_code == 201
        token = response.json()["token"]
        assert (token["scope"], token["project_id"]) == ("admin", None)
        assert client.get("/v1/jobs").status_code == 401
        headers = build_token_headers(token["token"])
        assert [job["id"] for job in client.get("/v1/jobs", headers=headers).json()["items"]] == [job_id]
        assert client.get(response.headers["Location"], headers=headers).json()["name"] == "ann"

    def test_the_first_user_must_be_an_admin(self, client):
        response = add_user(client, "bob")
        assert (response.status_code, response.json()["code"]) == (409, "admin_required")
        assert client.get("/v1/jobs").status_code == 200

    def test_a_server_with_a_token_needs_it_to_add_the_first_user(self, settings, make_client):
        client = make_client(settings.model_copy(update={"token": SecretStr("s3cret")}))
        assert add_user(client, "ann", role="admin").status_code == 401
        response = add_user(client, "ann", build_token_headers("s3cret"), role="admin")
        assert response.status_code == 201
        for text in ("s3cret", response.json()["token"]["token"]):
            assert client.get("/v1/users", headers=build_token_headers(text)).status_code == 200

    def test_another_process_notices_the_first_user(self, settings, make_client):
        first, second = make_client(settings), make_client(settings)
        second.app.state.stackyard.authenticator.refresh_mode()
        add_user(first, "ann", role="admin")
        second.app.state.stackyard.authenticator.refresh_mode()  # it looks once a second
        assert second.get("/v1/jobs").status_code == 401

    def test_after_the_last_user_the_server_is_open_again(self, client):
        headers = build_token_headers(add_user(client, "ann", role="admin").json()["token"]["token"])
        assert client.delete("/v1/users/ann", headers=headers).status_code == 204
        assert client.get("/v1/jobs").status_code == 200

    @pytest.mark.parametrize("headers", [{}, build_token_headers("sy_anything"), {"Cookie": "stackyard_session=x"}])
    def test_without_users_and_token_credentials_do_not_matter(self, client, headers):
        assert client.post("/v1/jobs", json=iris_spec(), headers=headers).status_code == 201


class TestUsers:
    def test_a_disabled_user_is_refused_at_once_until_they_are_enabled(self, team):
        admin, text = team.authorize("admin"), team.issue_token("editor")
        cookie = team.client.post("/v1/session", json={"token": text}).cookies
        team.client.cookies.clear()
        session = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookie.items())}
        for is_disabled, status in ((True, 401), (False, 200)):
            response = team.client.patch("/v1/users/editor", json={"disabled": is_disabled}, headers=admin)
            assert (response.json()["disabled_at"] is not None) is is_disabled
            assert team.client.get("/v1/jobs", headers=build_token_headers(text)).status_code == status
            assert team.client.get("/v1/jobs", headers=session).status_code == status

    def test_a_deleted_user_is_refused_at_once_and_leaves_the_jobs(self, team):
        admin, text = team.authorize("admin"), team.authorize("editor")
        job_id = team.client.post("/v1/jobs", json=iris_spec(), headers=text).json()["id"]
        response = team.client.delete("/v1/users/editor", headers=admin)
        assert (response.status_code, response.json()["code"]) == (409, "user_has_jobs")
        assert team.client.post(f"/v1/jobs/{job_id}/cancel", headers=text).status_code == 202
        assert team.client.delete("/v1/users/editor", headers=admin).status_code == 204
        assert team.client.get("/v1/jobs", headers=text).status_code == 401
        assert team.client.get(f"/v1/jobs/{job_id}", headers=admin).status_code == 200

    @pytest.mark.parametrize("body", [{"role": "member"}, {"disabled": True}])
    def test_the_last_admin_stays_one(self, team, body):
        admin = team.authorize("admin")
        for response in (
            team.client.patch("/v1/users/admin", json=body, headers=admin),
            team.client.delete("/v1/users/admin", headers=admin),
        ):
            assert (response.status_code, response.json()["code"]) == (409, "last_admin")
        assert team.client.patch("/v1/users/owner", json={"role": "admin"}, headers=admin).status_code == 200
        assert team.client.patch("/v1/users/admin", json=body, headers=admin).status_code == 200

    def test_omitted_fields_stay_unchanged_and_null_removes_a_limit(self, team):
        admin = team.authorize("admin")
        created = add_user(team.client, "new", admin, shares=2, max_running=3, max_queued=4).json()
        changed = team.client.patch("/v1/users/new", json={"max_running": None, "shares": 5}, headers=admin).json()
        assert (changed["shares"], changed["max_running"], changed["max_queued"]) == (5.0, None, 4)
        assert (changed["id"], changed["role"]) == (created["id"], "member")

    def test_names_are_unique_and_are_no_ids(self, team):
        admin = team.authorize("admin")
        response = add_user(team.client, "editor", admin)
        assert (response.status_code, response.json()["code"]) == (409, "name_taken")
        assert add_user(team.client, str(team.users["editor"]), admin).status_code == 422
        response = team.client.patch("/v1/users/owner", json={"name": "editor"}, headers=admin)
        assert response.status_code == 409

    def test_users_are_found_by_name_and_by_id(self, team):
        admin = team.authorize("admin")
        for reference in ("editor", team.users["editor"]):
            assert team.client.get(f"/v1/users/{reference}", headers=admin).json()["name"] == "editor"
        for reference in ("absent", "01934f8e-0000-7000-8000-00000000dead", "%00", "%ED%A0%80"):
            assert team.client.get(f"/v1/users/{reference}", headers=admin).status_code == 404

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ('{"name": "a", "name": "b"}', "/name"),
            ('{"name": "a", "shares": NaN}', "/shares"),
            ('{"name": "a", "shares": 0}', "/shares"),
            ('{"name": "a", "role": "root"}', "/role"),
            ('{"name": "a", "max_runing": 1}', "/max_runing"),
            ('{"name": "a", "max_running": "1"}', "/max_running"),
            ('{"name": "a", "max_bytes": 9223372036854775808}', "/max_bytes"),
            ('{"name": "a b"}', "/name"),
            ('{"name": "a\\u0000"}', "/name"),
            ("{}", ""),
        ],
    )
    def test_a_fault_is_reported_at_its_place(self, team, body, pointer):
        headers = team.authorize("admin") | {"Content-Type": "application/json"}
        response = team.client.post("/v1/users", content=body, headers=headers)
        assert response.status_code == 422
        assert pointer in [error["pointer"] for error in response.json()["errors"]]

    def test_a_misspelled_key_gets_a_suggestion(self, team):
        body = {"name": "a", "max_runing": 1}
        response = team.client.post("/v1/users", json=body, headers=team.authorize("admin"))
        assert "max_running" in response.json()["detail"]

    def test_every_example_is_accepted(self, team):
        admin, token = team.authorize("admin"), issue_token(team)
        for path, operations in team.client.app.openapi()["paths"].items():
            for method, operation in operations.items():
                content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
                if path.startswith(("/v1/users", "/v1/tokens", "/v1/projects")) and content:
                    address = path.format(user="guest", project_id=team.own, token_id=token)
                    response = team.client.request(method, address, json=content["example"], headers=admin)
                    assert response.is_success or response.json()["code"] == "name_taken", (path, response.text)
