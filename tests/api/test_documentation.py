"""The OpenAPI document and the page that shows it."""

import base64
import re

import pytest
from pydantic import SecretStr

TOKEN = "s3cret: 日本"  # noqa: S105  # it protects nothing
PAGE = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def client_with_token(settings, make_client):
    return make_client(settings.model_copy(update={"token": SecretStr(TOKEN)}))


def log_in(token, user="me"):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()}


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


def test_every_example_is_accepted(client, submit):
    job = submit()["id"]
    for method, path, media_type, content in list_bodies(client.get("/openapi.json").json()):
        example = content.get("example")
        if example is None or path.endswith("/predict"):  # tests/e2e/test_predict.py predicts its rows
            continue
        body = {"content": example} if isinstance(example, str) else {"json": example}
        response = client.request(
            method,
            path.format(job_id=job),
            **body,
            headers={"Content-Type": media_type},
            params={"name": "a table"} if path == "/v1/datasets" else {},
        )
        assert response.is_success, (path, response.text)


def test_a_browser_logs_in_with_the_token_as_password(client_with_token):
    refused = client_with_token.get("/docs", headers=PAGE)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic ")
    page = client_with_token.get("/docs", headers=PAGE | log_in(TOKEN))
    assert page.status_code == 200
    for link in [*re.findall(r'(?:href|src)="([^"#]+)"', page.text), "openapi.json", "v1/jobs"]:
        assert client_with_token.get(f"/{link}", headers=log_in(TOKEN, user="")).status_code == 200
    assert "persistAuthorization" not in page.text


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Mode": "cors"} | PAGE, {"Accept": "application/json"}])
def test_only_a_page_asks_for_a_login(client_with_token, headers):
    response = client_with_token.get("/v1/jobs", headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize(
    "credentials",
    [log_in("wrong"), log_in(""), log_in(TOKEN + "x"), {"Authorization": "Basic !"}, {"Authorization": "Basic"}],
)
def test_a_login_without_the_token_is_refused(client_with_token, credentials):
    assert client_with_token.get("/docs", headers=PAGE | credentials).status_code == 401


def test_the_document_says_how_a_client_shows_the_token(client, client_with_token):
    document = client_with_token.get("/openapi.json", headers=log_in(TOKEN)).json()
    assert {scheme["scheme"] for scheme in document["components"]["securitySchemes"].values()} == {"bearer", "basic"}
    assert document["paths"]["/healthz"]["get"]["security"] == []
    assert "security" not in client.get("/openapi.json").json()
