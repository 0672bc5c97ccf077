"""The OpenAPI document and the page that shows it."""

import re

import pytest
from pydantic import SecretStr

from api.http import body_examples
from tests import attempt_factories

TOKEN = "s3cret: 日本"  # noqa: S105  # it protects nothing
PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def client_with_token(settings, make_client):
    return make_client(settings.model_copy(update={"token": SecretStr(TOKEN)}))


def log_in(client):
    assert client.post("/v1/session", json={"token": TOKEN}).status_code == 204


def list_bodies(document):
    """Return the method, the path, the media type and the content of each body that a request may have."""
    return [
        (method, path, media_type, content)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
    ]


def test_every_body_of_text_has_an_example(client):
    bodies = list_bodies(client.get("/openapi.json").json())
    assert len(bodies) >= 7
    for _, path, media_type, content in bodies:
        assert "example" in content or media_type not in {"application/json", "text/csv"}, (path, media_type)


TEAM_PATHS = ("/v1/users", "/v1/tokens", "/v1/projects")
"""Their examples make a team's server: see tests/api/access/test_users.py."""


def test_every_example_is_accepted(client, submit, sessions):
    submit()
    claim = attempt_factories.claim_job(sessions)
    attempt_factories.succeed_with_checkpoint(sessions, claim, 3)
    waiting_job = client.post("/v1/jobs", json=body_examples.SPEC).json()["id"]
    rate = "/training/optimizer/learning_rate"
    space = {rate: body_examples.SWEEP["space"][rate]}
    external = body_examples.SWEEP | {"space": space, "search": {"method": "external"}}
    sweep = client.post("/v1/sweeps", json=external).raise_for_status().json()["id"]
    for method, path, media_type, content in list_bodies(client.get("/openapi.json").json()):
        example = content.get("example")
        # Both need a result: see tests/e2e/test_predict.py and tests/api/test_sweeps.py.
        if example is None or path.endswith(("/predict", "/value")) or path.startswith(TEAM_PATHS):
            continue
        body = {"content": example} if isinstance(example, str) else {"json": example}
        job = claim.job_id if path.endswith("/continue") else waiting_job
        response = client.request(
            method,
            path.format(job_id=job, sweep_id=sweep, number=0),
            **body,
            headers={"Content-Type": media_type},
            params={"name": "a table"} if path == "/v1/datasets" else {},
        )
        assert response.is_success, (path, response.text)


def test_a_browser_without_a_session_is_sent_to_the_login(client_with_token):
    refused = client_with_token.get("/docs?a=%C3%A9&b=/", headers=PAGE, follow_redirects=False)
    assert refused.status_code == 303
    assert refused.headers["Location"] == "/login?next=/docs%3Fa%3D%25C3%25A9%26b%3D/"
    assert client_with_token.get(refused.headers["Location"], headers=PAGE).status_code == 200


def test_a_browser_with_a_session_reads_the_documentation(client_with_token):
    log_in(client_with_token)
    page = client_with_token.get("/docs", headers=PAGE, follow_redirects=False)
    assert page.status_code == 200
    for link in [*re.findall(r'(?:href|src)="([^"#]+)"', page.text), "openapi.json", "v1/jobs"]:
        assert client_with_token.get(f"/{link}").status_code == 200
    assert "persistAuthorization" not in page.text


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Mode": "cors"} | PAGE, {"Accept": "application/json"}])
def test_only_a_page_leads_to_the_login(client_with_token, headers):
    response = client_with_token.get("/v1/jobs", headers=headers, follow_redirects=False)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")


def test_the_document_says_how_a_client_shows_the_token(client_with_token):
    log_in(client_with_token)
    document = client_with_token.get("/openapi.json").json()
    assert {scheme["type"] for scheme in document["components"]["securitySchemes"].values()} == {"http", "apiKey"}
    for path in ("/healthz", "/v1/session"):
        assert document["paths"][path]["get"]["security"] == []
