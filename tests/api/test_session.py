"""Logging in with the token, the cookie of a session, and what it does not allow."""

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.access.session_cookie import COOKIE_NAME, SessionSigner
from api.session.login_limiter import LoginLimiter
from tests.conftest import LOCAL_URL
from tests.factories import iris_spec

TOKEN = "s3cret: 日本"  # noqa: S105  # it protects nothing
OWN = {"Origin": LOCAL_URL, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def client_with_token(settings, make_client):
    return make_client(settings.model_copy(update={"token": SecretStr(TOKEN), "session_s": 3600}))


@pytest.fixture
def browser(client_with_token):
    """A client that has logged in."""
    assert log_in(client_with_token).status_code == 204
    return client_with_token


def log_in(client, token=TOKEN, **headers):
    return client.post("/v1/session", json={"token": token}, headers=headers)


def read_state(client):
    state = client.get("/v1/session").json()
    return {name: state[name] for name in ("login_required", "logged_in")}


class TestLogin:
    def test_a_session_replaces_the_token(self, client_with_token):
        assert read_state(client_with_token) == {"login_required": True, "logged_in": False}
        assert client_with_token.get("/v1/jobs").status_code == 401
        assert log_in(client_with_token).status_code == 204
        assert read_state(client_with_token) == {"login_required": True, "logged_in": True}
        assert client_with_token.get("/v1/jobs").status_code == 200

    def test_the_cookie_is_only_for_this_site_and_not_for_scripts(self, client_with_token):
        name, *attributes = log_in(client_with_token).headers["Set-Cookie"].split("; ")
        assert name.startswith(f"{COOKIE_NAME}=")
        assert TOKEN not in name
        assert {text.lower() for text in attributes} == {"httponly", "max-age=3600", "path=/", "samesite=strict"}

    @pytest.mark.parametrize("url", ["https://127.0.0.1", "http://127.0.0.1"])
    def test_the_cookie_of_https_is_secure_also_behind_a_proxy(self, client_with_token, url):
        client = TestClient(client_with_token.app, url)
        response = log_in(client, Origin="https://127.0.0.1")
        assert "secure" in response.headers["Set-Cookie"].lower().split("; ")

    @pytest.mark.parametrize("token", ["", "wrong", f"{TOKEN}x", TOKEN[:-1], "x" * 10_000])
    def test_another_token_is_refused(self, client_with_token, token):
        response = log_in(client_with_token, token)
        assert response.status_code == 401
        assert response.headers["Content-Type"] == "application/problem+json"
        assert "Set-Cookie" not in response.headers
        assert not read_state(client_with_token)["logged_in"]

    @pytest.mark.parametrize(
        ("content", "media_type", "status"),
        [
            (b"{", "application/json", 422),
            (b"[]", "application/json", 422),
            (b'{"token": 5}', "application/json", 422),
            (b'{"token": "\\ud800"}', "application/json", 422),
            (b'{"token": "a", "user": "b"}', "application/json", 422),
            (b'{"token": "a"}', "text/plain", 415),
            (b'{"token": "%s"}' % (b"a" * 20_000), "application/json", 413),
        ],
    )
    def test_a_malformed_login_is_refused(self, client_with_token, content, media_type, status):
        response = client_with_token.post("/v1/session", content=content, headers={"Content-Type": media_type})
        assert (response.status_code, response.json()["status"]) == (status, status)

    def test_a_server_without_a_token_needs_no_login(self, client):
        assert read_state(client) == {"login_required": False, "logged_in": False}
        response = log_in(client, "anything")
        assert response.status_code == 204
        assert "Set-Cookie" not in response.headers

    def test_guesses_are_limited(self, client_with_token):
        answers = [log_in(client_with_token, f"guess {number}").status_code for number in range(12)]
        assert answers == [401] * 10 + [429] * 2
        response = log_in(client_with_token)
        assert (response.status_code, response.json()["code"]) == (429, "too_many_logins")
        assert 0 < int(response.headers["Retry-After"]) <= 60
        assert client_with_token.get("/v1/jobs", headers={"Authorization": "Bearer x"}).status_code == 401


class TestSession:
    def test_a_logout_ends_it(self, browser):
        response = browser.delete("/v1/session", headers=OWN)
        assert response.status_code == 204
        assert not read_state(browser)["logged_in"]
        assert browser.get("/v1/jobs").status_code == 401

    def test_another_process_of_the_server_accepts_it(self, browser, settings, make_client):
        other = make_client(settings.model_copy(update={"token": SecretStr(TOKEN)}))
        other.cookies.set(COOKIE_NAME, browser.cookies[COOKIE_NAME])
        assert other.get("/v1/jobs").status_code == 200

    def test_another_token_ends_it(self, browser, settings, make_client):
        other = make_client(settings.model_copy(update={"token": SecretStr("another")}))
        other.cookies.set(COOKIE_NAME, browser.cookies[COOKIE_NAME])
        assert other.get("/v1/jobs").status_code == 401

    def test_a_wrong_token_is_refused_beside_it(self, browser):
        assert browser.get("/v1/jobs", headers={"Authorization": "Bearer wrong"}).status_code == 401

    @pytest.mark.parametrize("headers", [OWN, {"Origin": LOCAL_URL}, {"Sec-Fetch-Site": "same-origin"}])
    def test_it_may_write_from_the_own_site(self, browser, headers):
        assert browser.post("/v1/jobs", json=iris_spec(), headers=headers).status_code == 201

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": f"{LOCAL_URL}:3000", "Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "nonsense"},
        ],
    )
    def test_it_may_not_write_from_another_site(self, browser, headers):
        response = browser.post("/v1/jobs", json=iris_spec(), headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "foreign_origin")
        assert browser.get("/v1/jobs").json()["items"] == []

    def test_another_site_may_neither_log_in_nor_out(self, browser):
        for method in ("POST", "DELETE"):
            response = browser.request(
                method, "/v1/session", json={"token": TOKEN}, headers={"Origin": "https://evil.example"}
            )
            assert response.status_code == 403


class TestSigner:
    @pytest.fixture
    def clock(self):
        return [1_000_000.0]

    @pytest.fixture
    def signer(self, clock):
        return SessionSigner(TOKEN, 60, clock=lambda: clock[0])

    def test_a_cookie_expires(self, signer, clock):
        cookie = signer.issue_cookie()
        clock[0] += 59
        assert signer.is_valid(cookie)
        clock[0] += 1
        assert not signer.is_valid(cookie)

    def test_each_cookie_differs(self, signer):
        assert signer.issue_cookie() != signer.issue_cookie()

    def test_a_changed_cookie_is_refused(self, signer):
        expiry, nonce, signature = signer.issue_cookie().split(".")
        for changed in (
            f"{int(expiry) + 1}.{nonce}.{signature}",
            f"{expiry}.x{nonce}.{signature}",
            f"{expiry}.{nonce}.{signature[:-2]}",
            f"{expiry}.{nonce}.{signature}x",
            f"{expiry}.{nonce}.",
            f"{expiry}.{nonce}",
            f"{expiry}..{signature}",
            "..",
            ".",
            "",
            "é" * 50,
            "9" * 100_000,
        ):
            assert not signer.is_valid(changed)


class TestLimiter:
    @pytest.fixture
    def clock(self):
        return [0.0]

    @pytest.fixture
    def limiter(self, clock):
        return LoginLimiter(clock=lambda: clock[0])

    def test_an_address_waits_until_its_minute_ends(self, limiter, clock):
        for _ in range(10):
            assert limiter.compute_wait("192.0.2.1") == 0
            limiter.add_failure("192.0.2.1")
            clock[0] += 1
        assert limiter.compute_wait("192.0.2.1") == 50
        assert limiter.compute_wait("192.0.2.2") == 0
        clock[0] = 60
        assert limiter.compute_wait("192.0.2.1") == 0

    def test_the_addresses_of_an_ipv6_network_count_together(self, limiter):
        for number in range(10):
            limiter.add_failure(f"2001:db8::{number}")
        assert limiter.compute_wait("2001:db8::ffff") > 0
        assert limiter.compute_wait("2001:db8:0:1::1") == 0

    def test_its_memory_is_bounded(self, limiter):
        for number in range(20_000):
            limiter.add_failure(f"10.0.{number // 256}.{number % 256}")
        assert len(limiter._failures) == 10_000
