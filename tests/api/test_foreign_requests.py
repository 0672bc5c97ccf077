"""Requests of pages of other sites and from other machines, and the headers of every response."""

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from tests.factories import iris_spec

LOOPBACK_HOSTS = ["127.0.0.1", "127.0.0.1:8000", "127.9.9.9", "localhost", "LOCALHOST:8000", "[::1]:8000"]
OTHER_HOSTS = [
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:8000",
    "192.0.2.1",
    "",
    "[::1",
    "0.0.0.0",  # noqa: S104  # a name, not an address to bind
]
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:3000"},
    {"Origin": "http://evil.example@127.0.0.1"},
    {"Origin": "http://["},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "cross-site"},
]
OWN = [
    {},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("host", LOOPBACK_HOSTS)
def test_a_loopback_host_is_served(client, host):
    assert client.get("/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_another_host_is_refused_without_a_token(client, host):
    for method, path in (("GET", "/v1/jobs"), ("GET", "/docs"), ("POST", "/v1/jobs")):
        response = client.request(method, path, headers={"Host": host})
        assert (response.status_code, response.json()["code"]) == (421, "unknown_host")


def test_a_host_that_a_setting_names_is_served(settings, make_client):
    client = make_client(settings.model_copy(update={"allowed_hosts": ("stackyard.example",)}))
    assert client.get("/v1/jobs", headers={"Host": "stackyard.example:443"}).status_code == 200
    headers = {"Host": "127.0.0.1", "Origin": "https://stackyard.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/v1/jobs", json=iris_spec(), headers=headers).status_code == 201


def test_any_host_is_served_with_a_token(settings, make_client):
    client = make_client(settings.model_copy(update={"token": SecretStr("s3cret")}))
    headers = {"Host": "stackyard.example", "Authorization": "Bearer s3cret"}
    assert client.get("/v1/jobs", headers=headers).status_code == 200


def test_allowed_hosts_come_from_the_environment(monkeypatch):
    from service.settings import Settings  # noqa: PLC0415

    monkeypatch.setenv("STACKYARD_ALLOWED_HOSTS", "a.example, b.example")
    assert Settings().allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("token", [None, SecretStr("s3cret")])
def test_a_write_of_another_site_is_refused(settings, make_client, headers, token):
    client = make_client(settings.model_copy(update={"token": token}))
    client.headers["Authorization"] = "Bearer s3cret"
    job = client.post("/v1/jobs", json=iris_spec()).json()["id"]
    for method, path in (
        ("POST", "/v1/jobs"),
        ("POST", f"/v1/jobs/{job}/cancel"),
        ("DELETE", f"/v1/jobs/{job}"),
        ("PATCH", f"/v1/jobs/{job}"),
    ):
        response = client.request(method, path, headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "foreign_origin")
    assert client.get(f"/v1/jobs/{job}", headers=headers).json()["state"] == "queued"


@pytest.mark.parametrize("headers", OWN)
def test_a_write_of_the_own_site_is_served(client, headers):
    assert client.post("/v1/jobs", json=iris_spec(), headers=headers).status_code == 201


def test_another_address_of_this_machine_is_refused_without_a_token(client, settings, make_client):
    """Whatever started the server, and whatever the host is called."""
    with TestClient(client.app, "http://192.0.2.1", headers={"Host": "127.0.0.1"}) as outside:
        response = outside.get("/v1/jobs")
        assert (response.status_code, response.json()["code"]) == (403, "token_required")
        assert outside.get("/healthz").status_code == 200
    app = make_client(settings.model_copy(update={"token": SecretStr("s3cret")})).app
    with TestClient(app, "http://192.0.2.1", headers={"Authorization": "Bearer s3cret"}) as outside:
        assert outside.get("/v1/jobs").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/docs", 200),
        ("GET", "/swagger/swagger-ui.css", 200),
        ("GET", "/", 200),
        ("GET", "/assets/app.js", 200),
        ("GET", "/v1/jobs", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/jobs", 405),
        ("POST", "/v1/jobs", 415),
    ],
)
def test_every_response_has_the_security_headers(client, method, path, status):
    response = client.request(method, path, follow_redirects=False)
    assert response.status_code == status
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


def test_an_unexpected_error_has_the_security_headers(client):
    @client.app.get("/broken")
    def fail():
        raise ZeroDivisionError

    response = client.get("/broken")
    assert response.status_code == 500
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_redirect_does_not_repeat_the_host(settings, make_client):
    client = make_client(settings.model_copy(update={"token": SecretStr("s3cret")}))
    headers = {"Host": "evil.example", "Authorization": "Bearer s3cret"}
    response = client.get("/v1/jobs/?limit=3", headers=headers, follow_redirects=False)
    assert (response.status_code, response.headers["Location"]) == (307, "/v1/jobs?limit=3")


def test_the_documentation_page_has_relative_addresses_and_allows_only_its_script(client):
    page = client.get("/docs")
    assert "http" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self' 'sha256-" in policy
    assert "unsafe-eval" not in policy
    for path in (
        "openapi.json",
        "swagger/swagger-ui-bundle.js",
        "swagger/swagger-ui.css",
        "swagger/favicon-32x32.png",
    ):
        assert path in page.text
        assert client.get(f"/{path}").status_code == 200


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/jobs", "GET, POST"),
        ("/v1/datasets", "GET, POST"),
        ("/v1/jobs/00000000-0000-0000-0000-000000000000", "GET, PATCH, DELETE"),
        ("/healthz", "GET"),
    ],
)
def test_a_refused_method_is_answered_with_all_allowed_ones(client, path, methods):
    response = client.put(path)
    assert (response.status_code, response.headers["Allow"]) == (405, methods)
