"""A team's server by the client and by the command line: users, tokens, projects and the project of requests."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from typer.testing import CliRunner

from stackyard.cli import app
from stackyard.client import Client, NoSingleMatchError, ProblemError
from tests.client.conftest import TOKEN
from tests.factories import iris_spec


@pytest.fixture
def admin(stackyard, url):
    """The client of the first user, Ann."""
    with Client(url, stackyard.add_user("ann", role="admin").token.token) as client:
        yield client


@pytest.fixture
def run_cli(url):
    """Run a command with a token; return its exit code, its output and its errors."""

    def run(token, *arguments, **environment):
        variables = {"STACKYARD_URL": url, "STACKYARD_TOKEN": token} | environment
        result = CliRunner().invoke(app, list(arguments), env=variables)
        return result.exit_code, result.stdout, result.stderr or str(result.exception or "")

    return run


@pytest.fixture
def read_cli(run_cli):
    """Run a command with a token and `--json`; return what it prints."""

    def read(token, *arguments, **environment):
        code, output, errors = run_cli(token, *arguments, "--json", **environment)
        assert (code, errors) == (0, "")
        return json.loads(output)

    return read


class TestClient:
    def test_users_are_added_changed_disabled_and_deleted(self, admin, url):
        user = admin.add_user("ben", shares=2.5, max_running=3)
        assert (user.role, user.shares, user.max_running, user.max_queued) == ("member", 2.5, 3, None)
        with Client(url, user.token.token) as ben:
            assert ben.account().user == admin.user("ben")
            assert admin.change_user("ben", name="bo", max_running=None).max_running is None
            assert admin.change_user("bo", disabled=True).disabled_at is not None
            with pytest.raises(ProblemError) as refusal:
                ben.account()
            assert refusal.value.status == 401
            admin.change_user("bo", disabled=False)
            assert ben.account().user.name == "bo"
        assert [listed.name for listed in admin.users(limit=1)] == ["bo", "ann"]
        admin.delete_user("bo")
        assert [listed.name for listed in admin.users()] == ["ann"]

    def test_tokens_are_created_rotated_and_revoked(self, admin, url):
        expiry = datetime.now(UTC) + timedelta(days=1)
        token = admin.create_token("ci", scope="read", project="default", expires_at=expiry)
        assert (token.scope, token.expires_at) == ("read", expiry)
        with Client(url, token.token) as reader:
            assert reader.account().scope == "read"
            with pytest.raises(ProblemError, match="submit"):
                reader.submit(iris_spec())
            successor = admin.rotate_token(admin.find_token(token.prefix).id, overlap_s=0)
            with pytest.raises(ProblemError):
                reader.account()
        with Client(url, successor.token) as reader:
            assert reader.account().scope == "read"
            admin.revoke_token(successor.id)
            with pytest.raises(ProblemError):
                reader.account()
        with pytest.raises(NoSingleMatchError):
            admin.find_token("nothing")

    def test_an_admin_creates_tokens_for_others(self, admin, url):
        admin.add_user("ben")
        with Client(url, admin.create_token("new laptop", user="ben").token) as ben:
            assert ben.account().user.name == "ben"
        assert [token.name for token in admin.tokens(user="ben")] == ["new laptop", "first token"]
        admin.revoke_token(admin.find_token("new laptop", user="ben").id)
        assert admin.find_token("first token", user="ben").user_id == admin.user("ben").id

    def test_a_client_works_in_the_project_that_it_chooses(self, admin, url):
        project = admin.add_project("vision")
        assert project.members[0].role == "owner"
        ben_token = admin.add_user("ben").token.token
        assert [member.name for member in admin.set_member("vision", "ben", "editor").members] == ["ann", "ben"]
        with Client(url, ben_token, project="vision") as ben:
            job = ben.submit(iris_spec())
            assert (job.owner, job.project) == ("ben", "vision")
            assert [listed.id for listed in ben.jobs(owner="me", project="vision")] == [job.id]
            assert ben.count_jobs(owner="ben")["queued"] == 1
        with Client(url, ben_token) as ben:
            assert list(ben.jobs(project="default")) == []
            admin.remove_member(project.id, "ben")
            assert [listed.name for listed in ben.projects()] == ["default"]
            with pytest.raises(NoSingleMatchError, match="vision"):
                ben.project("vision")
        with Client(url, ben_token, project="vision") as ben, pytest.raises(ProblemError, match="no project"):
            ben.account()
        assert admin.rename_project("vision", "sight").name == "sight"
        with pytest.raises(ProblemError, match="jobs"):
            admin.delete_project("sight")
        admin.add_project("empty")
        admin.delete_project("empty")
        assert [listed.name for listed in admin.projects()] == ["default", "sight"]

    def test_the_audit_and_the_usage_are_read_and_downloaded(self, admin, url):
        ben_token = admin.add_user("ben").token.token
        with Client(url, ben_token) as ben:
            job = ben.submit(iris_spec())
            with pytest.raises(ProblemError):
                ben.add_user("eve")
            assert [usage.user for usage in ben.usage(group_by=["user"])] in ([], ["ben"])
        entries = list(admin.audit(user="ben", limit=1))
        assert [(entry.action, entry.status) for entry in entries] == [("POST /v1/users", 403), ("POST /v1/jobs", 201)]
        assert entries[1].object_id == job.id
        file = io.BytesIO()
        admin.download_audit(file, user="ben")
        assert [row["object_id"] for row in csv.DictReader(file.getvalue().decode().splitlines())] == ["", job.id]
        file = io.BytesIO()
        admin.download_usage(file, first=date(2026, 1, 1), last=date(2026, 1, 2), group_by=["day"])
        assert file.getvalue().startswith(b"user_id,user,")


class TestCommands:
    def test_a_first_token_is_shown_once_and_alone_on_standard_output(self, run_cli, read_cli):
        code, output, errors = run_cli(TOKEN, "users", "add", "ann", "--admin")
        assert (code, "not shown again" in errors) == (0, True)
        token = output.strip()
        assert token.startswith("sy_")
        assert read_cli(token, "whoami")["user"]["name"] == "ann"
        for command in (["users", "list"], ["users", "show", "ann"], ["tokens", "list"], ["tokens", "list", "--all"]):
            assert token not in run_cli(token, *command)[1] + json.dumps(read_cli(token, *command))

    def test_users(self, run_cli, read_cli):
        admin = read_cli(TOKEN, "users", "add", "ann", "--admin")["token"]["token"]
        ben = read_cli(admin, "users", "add", "ben", "--shares", "2", "--max-queued", "7")
        assert (ben["shares"], ben["max_queued"]) == (2, 7)
        changed = read_cli(admin, "users", "change", "ben", "--name", "bo", "--max-queued", "none", "--admin")
        assert (changed["name"], changed["max_queued"], changed["role"]) == ("bo", None, "admin")
        assert "Expected a number" in str(run_cli(admin, "users", "change", "bo", "--max-queued", "many"))
        assert read_cli(admin, "users", "change", "bo", "--member")["role"] == "member"
        assert run_cli(ben["token"]["token"], "users", "list")[0] == 1
        assert "ann" in run_cli(admin, "users", "list")[1]
        assert read_cli(admin, "users", "disable", "bo")["disabled_at"] is not None
        assert read_cli(admin, "users", "enable", "bo")["disabled_at"] is None
        assert "no limit" in run_cli(admin, "users", "show", "bo")[1]
        assert run_cli(admin, "users", "delete", "bo")[0] == 1  # nothing confirms it
        assert read_cli(admin, "users", "delete", "bo", "--yes")["deleted"] == changed["id"]

    def test_tokens(self, run_cli, read_cli):
        admin = read_cli(TOKEN, "users", "add", "ann", "--admin")["token"]["token"]
        token = read_cli(admin, "tokens", "create", "ci", "--scope", "read", "--days", "30", "--in-project", "default")
        assert token["expires_at"] is not None
        listed = run_cli(admin, "tokens", "list")[1]
        assert f"{token['prefix']}…" in listed
        code, output, _ = run_cli(admin, "tokens", "rotate", f"{token['prefix']}…", "--overlap-hours", "0")
        assert code == 0
        assert read_cli(output.strip(), "whoami")["scope"] == "read"
        assert run_cli(token["token"], "whoami")[0] == 1
        assert "revoked" in run_cli(admin, "tokens", "revoke", output[:9])[1]
        assert run_cli(output.strip(), "whoami")[0] == 1

    def test_audit_and_usage(self, run_cli, read_cli):
        admin = read_cli(TOKEN, "users", "add", "ann", "--admin")["token"]["token"]
        run_cli(admin, "users", "add", "ann")
        [refused, *_] = read_cli(admin, "audit", "--outcome", "refused")
        assert (refused["user_name"], refused["action"], refused["code"]) == ("ann", "POST /v1/users", "name_taken")
        assert "409 name_taken" in run_cli(admin, "audit", "--limit", "1")[1]
        assert run_cli(admin, "audit", "--csv")[1].startswith("id,at,user_id,user_name,")
        assert read_cli(admin, "usage", "--since", "2026-01-01", "--until", "2026-01-02", "--by", "day") == []
        assert "CPU hours" in run_cli(admin, "usage")[1]
        assert run_cli(admin, "usage", "--csv")[1].startswith("user_id,user,")

    def test_projects_and_lists(self, run_cli, read_cli, tmp_path):
        admin = read_cli(TOKEN, "users", "add", "ann", "--admin")["token"]["token"]
        ben = read_cli(admin, "users", "add", "ben")["token"]["token"]
        assert read_cli(admin, "projects", "add", "vision")["name"] == "vision"
        members = read_cli(admin, "projects", "members", "add", "vision", "ben", "--role", "owner")["members"]
        assert [(member["name"], member["role"]) for member in members] == [("ann", "owner"), ("ben", "owner")]
        assert "works in" in run_cli(ben, "--project", "vision", "whoami")[1]
        spec = tmp_path / "spec.json"
        spec.write_text(json.dumps(iris_spec()))
        job = read_cli(ben, "submit", str(spec), STACKYARD_PROJECT="vision")
        other = read_cli(ben, "submit", str(spec))
        assert [(item["owner"], item["project"]) for item in (job, other)] == [("ben", "vision"), ("ben", "default")]
        assert [item["id"] for item in read_cli(admin, "jobs", "--owner", "ben", "--project", "vision")] == [job["id"]]
        assert len(read_cli(ben, "jobs", "--mine")) == 2
        assert read_cli(admin, "jobs", "--mine") == read_cli(admin, "sweep", "list", "--mine") == []
        assert read_cli(admin, "datasets", "list", "--mine") == []
        assert run_cli(admin, "jobs", "--mine", "--owner", "ben")[0] == 1
        assert "ben" in run_cli(admin, "jobs")[1]
        assert "ben, in the project vision" in run_cli(admin, "job", job["id"])[1]
        assert "vision" in run_cli(admin, "projects", "list")[1]
        assert "ben (owner)" in run_cli(ben, "projects", "show", "vision")[1]
        assert read_cli(admin, "projects", "rename", "vision", "sight")["name"] == "sight"
        assert len(read_cli(ben, "projects", "members", "remove", "sight", "ann")["members"]) == 1
        assert "jobs" in str(run_cli(admin, "projects", "delete", "sight", "--yes"))
        read_cli(admin, "projects", "add", "empty")
        assert "deleted" in read_cli(admin, "projects", "delete", "empty", "--yes")
