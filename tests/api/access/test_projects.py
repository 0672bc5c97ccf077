"""Projects: memberships and roles count at once, and what one project has cannot be told from another."""

from uuid import UUID

from models import DEFAULT_PROJECT_ID
from tests.api.access.team_server import MISSING_ID, PROJECT_HEADER
from tests.factories import iris_spec

CSV = "x,y\n" + "".join(f"{row}.5,{row % 2}\n" for row in range(20))


def upload(team, headers, name="rows", content=CSV):
    headers = headers | {"Content-Type": "text/csv"}
    return team.client.post(f"/v1/datasets?name={name}", content=content, headers=headers)


def in_foreign(team, user="stranger"):
    return team.authorize(user) | {PROJECT_HEADER: str(team.foreign)}


class TestMembers:
    def test_a_member_sees_the_project_at_once_and_no_longer_after_the_removal(self, team):
        job_id, owner, guest = team.create_job(team.own), team.authorize("owner"), team.authorize("stranger")
        guest.pop(PROJECT_HEADER)
        path = f"/v1/projects/{team.own}/members/stranger"
        assert team.client.get(f"/v1/jobs/{job_id}", headers=guest).status_code == 404
        for role, status in (("viewer", 403), ("editor", 202), ("viewer", 403)):
            members = team.client.put(path, json={"role": role}, headers=owner).json()["members"]
            assert {member["name"]: member["role"] for member in members}["stranger"] == role
            assert team.client.get(f"/v1/jobs/{job_id}", headers=guest).status_code == 200
            assert team.client.post(f"/v1/jobs/{job_id}/cancel", headers=guest).status_code == status
        assert team.client.delete(path, headers=owner).status_code == 204
        assert team.client.get(f"/v1/jobs/{job_id}", headers=guest).status_code == 404
        assert team.client.delete(path, headers=owner).status_code == 404

    def test_a_token_for_a_project_ends_in_it_with_the_membership(self, team):
        headers = team.authorize("guest", project=team.own)
        headers.pop(PROJECT_HEADER)
        job_id = team.create_job(team.own)
        assert team.client.get(f"/v1/jobs/{job_id}", headers=headers).status_code == 200
        team.client.delete(f"/v1/projects/{team.own}/members/guest", headers=team.authorize("owner"))
        assert team.client.get(f"/v1/jobs/{job_id}", headers=headers).status_code == 404
        assert team.client.get("/v1/jobs", headers=headers).json()["items"] == []
        assert team.client.post("/v1/jobs", json=iris_spec(), headers=headers).status_code == 403

    def test_the_account_says_who_asks_and_what_they_see(self, team):
        account = team.client.get("/v1/account", headers=team.authorize("viewer")).json()
        assert (account["user"]["name"], account["role"], account["scope"]) == ("viewer", "member", "admin")
        assert account["project"] == str(team.own)
        assert [(project["name"], project["role"]) for project in account["projects"]] == [("own", "viewer")]


class TestDeletion:
    def test_an_empty_project_is_deleted_with_the_tokens_for_it(self, team):
        admin = team.authorize("admin")
        project_id = team.client.post("/v1/projects", json={"name": "short"}, headers=admin).json()["id"]
        headers = team.authorize("admin", project=UUID(project_id)) | {PROJECT_HEADER: project_id}
        job_id = team.client.post("/v1/jobs", json=iris_spec(), headers=headers).json()["id"]
        response = team.client.delete(f"/v1/projects/{project_id}", headers=admin)
        assert (response.status_code, response.json()["code"]) == (409, "project_not_empty")
        assert team.client.delete(f"/v1/jobs/{job_id}", headers=admin).status_code == 204
        assert team.client.delete(f"/v1/projects/{project_id}", headers=admin).status_code == 204
        assert team.client.get("/v1/jobs", headers=headers).status_code == 401
        assert team.client.get(f"/v1/projects/{project_id}", headers=admin).status_code == 404

    def test_the_default_project_stays(self, team):
        response = team.client.delete(f"/v1/projects/{DEFAULT_PROJECT_ID}", headers=team.authorize("admin"))
        assert (response.status_code, response.json()["code"]) == (409, "default_project")

    def test_names_are_unique_and_are_no_ids(self, team):
        admin = team.authorize("admin")
        assert team.client.post("/v1/projects", json={"name": "own"}, headers=admin).status_code == 409
        for name, status in (("foreign", 409), (str(team.foreign), 422)):
            response = team.client.patch(f"/v1/projects/{team.own}", json={"name": name}, headers=admin)
            assert response.status_code == status


class TestDatasets:
    def test_the_same_bytes_of_another_project_cannot_be_told(self, team):
        own, foreign = team.authorize("editor"), in_foreign(team)
        first = upload(team, foreign)
        second, third = upload(team, own), upload(team, own, "other")
        assert [response.status_code for response in (first, second, third)] == [201, 201, 201]
        assert (second.json()["version"], third.json()["version"]) == (1, 1)
        assert second.json()["id"] != first.json()["id"]
        assert upload(team, own).status_code == 200, "within the project, the same bytes add no version"

    def test_a_name_means_the_dataset_of_the_project_of_the_request(self, team):
        ids = {}
        for project in (team.own, team.foreign):
            headers = team.authorize("both") | {PROJECT_HEADER: str(project)}
            ids[project] = upload(team, headers, content=CSV.replace("0.5", f"{project.int % 97}.25")).json()["id"]
            path = "/v1/datasets/rows/statistics"
            assert team.client.get(path, headers=headers).status_code == 200
        spec = iris_spec(
            data=iris_spec()["data"] | {"dataset": "rows", "target": {"column": "y"}},
            network={"layers": [{"type": "Dense", "units": 1}]},
            training={"loss": "mean_squared_error", "metrics": []},
        )
        for project, dataset_id in ids.items():
            headers = team.authorize("both") | {PROJECT_HEADER: str(project)}
            report = team.client.post("/v1/specs/check", json=spec, headers=headers)
            assert report.json()["dataset"]["id"] == dataset_id, report.text
            other = next(value for value in ids.values() if value != dataset_id)
            spec_with_id = spec | {"data": spec["data"] | {"dataset": other}}
            response = team.client.post("/v1/jobs", json=spec_with_id, headers=headers)
            assert response.status_code == 422, "a job and its dataset belong to the same project"

    def test_names_and_suggestions_do_not_reveal_foreign_datasets(self, team):
        upload(team, in_foreign(team), "secret-rows")
        headers = team.authorize("editor") | {"X-Request-ID": "the-same"}
        for path in ("statistics", "preview", "proposal?target=y"):
            addresses = [f"/v1/datasets/{name}/{path}" for name in ("secret-rows", "absent-rows")]
            first, second = (team.client.get(address, headers=headers) for address in addresses)
            assert (first.status_code, second.status_code) == (404, 404)
            assert first.text.replace("secret", "absent") == second.text
        spec = iris_spec() | {"data": iris_spec()["data"] | {"dataset": "secret-row"}}
        for path in ("/v1/jobs", "/v1/specs/check"):
            response = team.client.post(path, json=spec, headers=headers)
            assert response.status_code == 422
            assert "Did you mean" not in response.text


class TestJobs:
    def test_lists_counts_and_filters_show_visible_jobs(self, team):
        own, foreign = team.create_job(team.own), team.create_job(team.foreign)

        def read(user, query=""):
            headers = team.authorize(user)
            headers.pop(PROJECT_HEADER)
            items = team.client.get(f"/v1/jobs{query}", headers=headers).json()["items"]
            counts = team.client.get(f"/v1/jobs/counts{query}", headers=headers).json()
            assert counts["queued"] == len(items)
            return {item["id"] for item in items}

        for query in ("", "?q=iris", "?dataset=builtin:iris", f"?id_prefix={foreign.hex[:12]}"):
            assert str(foreign) not in read("viewer", query)
            assert str(own) not in read("stranger", query)
            assert str(foreign) in read("both", query)
        assert str(own) in read("viewer")

    def test_a_batch_of_actions_treats_foreign_jobs_as_missing(self, team):
        foreign = team.create_job(team.foreign)
        body = {"action": "cancel", "ids": [str(foreign), str(MISSING_ID)]}
        response = team.client.post("/v1/jobs/actions", json=body, headers=team.authorize("owner"))
        first, second = (str(result) for result in response.json()["results"])
        assert first.replace(str(foreign), str(MISSING_ID)) == second
        viewed = {"action": "cancel", "ids": [str(team.create_job(team.own))]}
        [result] = team.client.post("/v1/jobs/actions", json=viewed, headers=team.authorize("viewer")).json()[
            "results"
        ]
        assert (result["ok"], result["problem"]["code"]) == (False, "role_required")

    def test_one_idempotency_key_of_two_users_makes_two_jobs(self, team):
        ids = set()
        for headers in (team.authorize("editor"), team.authorize("owner"), in_foreign(team), in_foreign(team, "both")):
            repeated = [
                team.client.post("/v1/jobs", json=iris_spec(), headers=headers | {"Idempotency-Key": "same"}).json()[
                    "id"
                ]
                for _ in range(2)
            ]
            assert repeated[0] == repeated[1]
            ids.add(repeated[0])
        assert len(ids) == 4

    def test_a_retry_stays_in_the_project_of_the_job(self, team):
        job_id = team.create_job(team.foreign, is_cancelled=True)
        headers = team.authorize("both")  # it works in the other project
        retried = team.client.post(f"/v1/jobs/{job_id}/retry", headers=headers).json()["id"]
        assert team.client.get(f"/v1/jobs/{retried}", headers=in_foreign(team)).status_code == 200
        assert team.client.get(f"/v1/jobs/{retried}", headers=team.authorize("owner")).status_code == 404

    def test_a_worker_shows_the_ids_of_visible_jobs_only(self, team):
        worker_id = team.register_worker()
        jobs = {project: team.create_job(project) for project in (team.own, team.foreign)}
        team.run_jobs(worker_id, jobs.values())
        shown = team.client.get(f"/v1/workers/{worker_id}", headers=team.authorize("viewer")).json()["jobs"]
        assert shown == [str(jobs[team.own])]
        shown = team.client.get(f"/v1/workers/{worker_id}", headers=team.authorize("admin")).json()["jobs"]
        assert set(shown) == {str(job_id) for job_id in jobs.values()}
