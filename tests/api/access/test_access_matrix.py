"""Every route, for every role, object and scope of a token, against a table of expected statuses.

The rows of `access_matrix.csv` say which scope a route needs, and what each role gets for an object of a project in
which it has this role. `foreign` is the status for members of another project, `missing` that for an object that does
not exist, `restricted` that of an admin's token for one project. A status beyond 401, 403 and 404 shows that the
request passed, and what became of it; comments in the table say why it is not 200.
"""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from api.access.permissions import PERMISSIONS
from api.app import create_app
from migrations.upgrade import upgrade_database
from models import TokenScope
from service.settings import Settings
from tests.api.access.team_server import MISSING_ID, PROJECT_HEADER, SERVER_TOKEN, SWEEP, TeamServer
from tests.conftest import LOCAL_URL
from tests.factories import iris_spec

LINES = (Path(__file__).parent / "access_matrix.csv").read_text().splitlines()
ROWS = {row["route"]: row for row in csv.DictReader(line for line in LINES if not line.startswith("#"))}
MEMBERS = ("owner", "editor", "viewer")
SCOPES = tuple(TokenScope)
JSON_ROWS = [{"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": 1.4, "petal width (cm)": 0.2}]
BODIES: dict[str, Any] = {
    "POST /v1/sweeps": SWEEP,
    "POST /v1/sweeps/check": SWEEP,
    "PATCH /v1/sweeps/{sweep_id}": {"name": "other"},
    "POST /v1/jobs": iris_spec(),
    "POST /v1/jobs/{job_id}/resume": {"until_epoch": 2},
    "POST /v1/jobs/{job_id}/predict": {"rows": JSON_ROWS},
    "POST /v1/jobs/actions": {"action": "cancel", "ids": [str(MISSING_ID)]},
    "POST /v1/tokens": {"name": "second"},
    "POST /v1/users/{user}/tokens": {"name": "second"},
}
HEADERS = {
    "GET /v1/jobs/{job_id}/curve.{form}": {"If-None-Match": "*"},
    "GET /v1/jobs/{job_id}/events": {"Last-Event-ID": "2.0"},
    "POST /v1/datasets": {"Content-Type": "text/csv"},
}
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TABLES = re.compile(r"\b(?:FROM|JOIN|UPDATE) (?:jobs|sweeps|datasets|job_tags|job_metrics)\b(?! AS owning_jobs)")
OF_LOADED_OBJECT = re.compile(
    r"SELECT (\w+)\.\w+ \nFROM \1 \nWHERE \1\.id = \?|UPDATE (\w+) SET [^()]+ WHERE \2\.id = \?"
)
"""A deferred column, or the changes, of an object that the session has loaded, and so may show and change."""


@pytest.fixture(scope="module")
def make_server(tmp_path_factory) -> Iterator[Any]:
    clients: list[TestClient] = []

    def make(**changes: Any) -> TeamServer:
        directory = tmp_path_factory.mktemp("team")
        settings = Settings(data_dir=directory, broker_url="redis://127.0.0.1:1/0", **changes)
        upgrade_database(settings)
        clients.append(TestClient(create_app(settings), LOCAL_URL, raise_server_exceptions=False))
        return TeamServer(clients[-1].__enter__())

    yield make
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def server(make_server) -> TeamServer:
    server = make_server(token=SecretStr(SERVER_TOKEN))
    server.add_users()
    return server


@pytest.fixture(scope="module")
def unrestricted_statements() -> Iterator[list[str]]:
    """The statements of sessions of members that read objects of projects without a condition on the project."""
    projects: dict[Any, Any] = {}
    found: list[str] = []

    def remember(session: Session, _transaction: Any, connection: Any) -> None:
        projects[connection] = session.info.get("visible_projects")

    def check(connection: Any, _cursor: Any, sql: str, _parameters: Any, context: Any, _many: bool) -> None:
        is_exempt = projects.get(connection) is None or context.execution_options.get("all_projects")
        if (
            not is_exempt
            and not OF_LOADED_OBJECT.fullmatch(sql)
            and len(TABLES.findall(sql)) > sql.count("project_id IN")
        ):
            found.append(sql)

    event.listen(Session, "after_begin", remember)
    event.listen(Engine, "before_cursor_execute", check)
    yield found
    event.remove(Session, "after_begin", remember)
    event.remove(Engine, "before_cursor_execute", check)


def test_every_route_has_a_row(server):
    """The application does not start with a route that has no permission."""
    assert ROWS.keys() == PERMISSIONS.keys()
    paths = server.client.app.openapi()["paths"]
    documented = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert documented <= {route.replace(":path}", "}") for route in ROWS}


@pytest.mark.parametrize("of_all_roles", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("target", ["own", "foreign", "missing"])
def test_a_member_gets_what_the_role_and_the_scope_permit(server, unrestricted_statements, target, of_all_roles):
    mismatches = []
    for name in ("admin", *MEMBERS) if target == "own" else MEMBERS:
        for scope in SCOPES:
            headers = server.authorize(name, scope)
            for route, row in ROWS.items():
                status = row[name if target == "own" else target]
                # A request that a lower scope permits does the same as with a higher one: one role shows that.
                is_repeat = permits(row, scope) and scope is not TokenScope.ADMIN and name != "viewer"
                if status != "-" and (of_all_roles or not is_repeat):
                    expected = status if permits(row, scope) else "403"
                    mismatches += compare(server, route, target, headers, expected, f"{name} with the scope {scope}")
    assert mismatches == []
    assert unrestricted_statements == []


def test_the_answers_for_foreign_and_missing_objects_are_the_same(server):
    """Apart from the ids in them, which the client has sent."""
    headers = server.authorize("owner")
    differences = []
    for route, row in ROWS.items():
        if row["foreign"] == row["missing"] == "404":
            first, second = (
                summarize(send(server, route, target, headers, "owner")) for target in ("foreign", "missing")
            )
            if first != second:
                differences.append((route, first, second))
    assert differences == []


def summarize(response: Any) -> tuple[int, str, list[tuple[str, str]]]:
    """Return the status, the body and the headers of a response, with a sign for each id."""
    headers = [(name, UUIDS.sub("ID", value)) for name, value in response.headers.items() if "request" not in name]
    body = response.json() | {"request_id": None}
    return response.status_code, UUIDS.sub("ID", json.dumps(body)), headers


def test_a_stranger_and_a_token_for_another_project_get_what_is_given_for_foreign_objects(server):
    stranger = server.authorize("stranger") | {PROJECT_HEADER: str(server.foreign)}
    elsewhere = server.authorize("both", project=server.own)
    mismatches = []
    for route, row in ROWS.items():
        if row["foreign"] != "-" and "{token_id}" not in route:
            mismatches += compare(server, route, "own", stranger, row["foreign"], "a stranger")
            mismatches += compare(server, route, "foreign", elsewhere, row["foreign"], "a token for another project")
    assert mismatches == []


def test_an_admin_acts_on_all_projects_and_finds_what_is_missing(server):
    headers = server.authorize("admin")
    mismatches = []
    for route, row in ROWS.items():
        if row["foreign"] != "-":
            mismatches += compare(server, route, "foreign", headers, row["admin"], "an admin")
        if row["missing"] != "-":
            mismatches += compare(server, route, "missing", headers, "404", "an admin")
    assert mismatches == []


def test_a_token_of_an_admin_for_one_project_is_no_admins(server):
    headers = server.authorize("admin", project=server.own)
    mismatches = []
    for route, row in ROWS.items():
        mismatches += compare(server, route, "own", headers, row["restricted"], "a restricted token")
        if row["foreign"] != "-":
            mismatches += compare(server, route, "foreign", headers, row["foreign"], "a restricted token")
    assert mismatches == []


def test_requests_without_credentials_and_with_the_token_of_the_server(server):
    server_token = {"Authorization": f"Bearer {SERVER_TOKEN}", PROJECT_HEADER: str(server.own)}
    mismatches = []
    for route, row in ROWS.items():
        for target in ("own", "missing"):
            mismatches += compare(server, route, target, {}, row["none"], "no credentials")
            mismatches += compare(
                server, route, target, {"Authorization": "Bearer sy_wrong"}, row["none"], "a wrong token"
            )
        mismatches += compare(server, route, "own", server_token, row["server"], "the server's token")
    assert mismatches == []


def test_without_users_every_request_is_an_admins(make_server):
    server = make_server()
    mismatches = []
    for route, row in ROWS.items():
        if row["implicit"] != "-":
            mismatches += compare(server, route, "own", {}, row["implicit"], "the implicit admin")
    assert mismatches == []
    assert server.count_users() == 0


def test_a_foreign_project_cannot_be_chosen_and_looks_like_a_missing_one(server):
    headers = server.authorize("owner")
    mismatches = []
    for route, row in ROWS.items():
        if row["none"] == "401":
            for project in (str(server.foreign), "foreign", str(MISSING_ID), "missing"):
                chosen = headers | {PROJECT_HEADER: project}
                mismatches += compare(server, route, "own", chosen, "404", f"the project {project}")
    assert mismatches == []


def permits(row: dict[str, str], scope: TokenScope) -> bool:
    """Return whether a token of a scope may use a route; one that permits too little is refused before all else."""
    return row["none"] != "401" or SCOPES.index(scope) >= SCOPES.index(TokenScope(row["scope"]))


def compare(
    server: TeamServer, route: str, target: str, headers: dict[str, str], expected: str, who: str
) -> list[str]:
    """Return a description of an unexpected response."""
    response = send(server, route, target, headers, who.split(maxsplit=1)[0])
    if str(response.status_code) == expected:
        return []
    return [f"{route}, {target}, {who}: expected {expected}, received {response.status_code} {response.text[:200]}"]


def send(server: TeamServer, route: str, target: str, headers: dict[str, str], user: str) -> Any:
    """Send the request of a route for an object."""
    method = route.partition(" ")[0]
    path = server.build_path(route, target, user.rstrip(","))
    response = server.client.request(
        method,
        path,
        headers=headers | HEADERS.get(route, {}),
        params=build_query(server, route, target),
        json=build_body(server, route),
    )
    server.client.cookies.clear()
    return response


def build_query(server: TeamServer, route: str, target: str) -> dict[str, Any]:
    if route == "GET /v1/events":
        return {"last_event_id": "malformed"}
    if route.endswith("/proposal"):
        return {"target": "target"}
    if route == "GET /v1/compare":
        first, second = (server.get_or_create(n, lambda: server.create_job(server.own)) for n in "ab")
        foreign = server.get_or_create("foreign", lambda: server.create_job(server.foreign))
        return {"job": [str(first), str({"own": second, "foreign": foreign, "missing": MISSING_ID}[target])]}
    return {}


def build_body(server: TeamServer, route: str) -> Any:
    method, _, path = route.partition(" ")
    if route in BODIES:
        return BODIES[route]
    if route == "POST /v1/session":
        return {"token": server.issue_token("owner")} if server.users else {"token": "none"}
    if path in {"/v1/projects", "/v1/users", "/v1/projects/{project_id}"} and method in {"POST", "PATCH"}:
        return {"name": f"name-{next(server.numbers)}"}
    operation = server.client.app.openapi()["paths"][path.replace(":path}", "}")][method.lower()]
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")
