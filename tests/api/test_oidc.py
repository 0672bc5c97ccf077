"""Login through an OpenID Connect provider that runs in the test, and attacks on it."""

import base64
import hmac
import itertools
import json
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import SecretStr, ValidationError
from sqlalchemy import select

from api.access.session_cookie import COOKIE_NAME
from api.session.oidc_attempt import choose_own_address
from models import AuditEntry
from service.settings import Settings
from tests.conftest import LOCAL_URL
from tests.factories import build_token_headers
from tests.servers.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider, Person


@pytest.fixture(scope="module")
def running_provider():
    provider = OidcProvider()
    yield provider
    provider.close()


@pytest.fixture
def provider(running_provider):
    """The provider, with a person of its own."""
    running_provider.person = Person(claims={"preferred_username": "ann", "email": "ann@example.org"})
    running_provider.forge = running_provider.sign
    running_provider.requests.clear()
    return running_provider


@pytest.fixture
def build_server(settings, make_client, provider):
    """Build a server that uses the provider, with an admin Zoe; keyword arguments change its settings."""

    def build(**changes):
        oidc = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT_ID}
        secret = {"oidc_client_secret": SecretStr(CLIENT_SECRET)}
        client = make_client(settings.model_copy(update=oidc | secret | changes))
        added = client.post("/v1/users", json={"name": "zoe", "role": "admin"}).json()
        return client, build_token_headers(added["token"]["token"])

    return build


@pytest.fixture
def server(build_server, provider):
    """A server with a user Ann, who has the identity of the provider's person."""
    client, admin = build_server()
    subject = f"{provider.issuer} {provider.person.subject}"
    response = client.post("/v1/users", json={"name": "ann", "oidc_subject": subject}, headers=admin)
    assert response.status_code == 201
    return client


_hosts = itertools.count(1)


def open_browser(client, address=None):
    """Return a browser, by default at an address of its own, because failed logins are counted by address."""
    address = address or f"10.0.0.{next(_hosts)}"
    return TestClient(client.app, LOCAL_URL, follow_redirects=False, client=(address, 1))


def find_audit_entry(server):
    """Return the newest entry of a login through the provider."""
    with server.app.state.stackyard.sessions.read() as session:
        query = select(AuditEntry).where(AuditEntry.action == "GET /v1/session/oidc/callback")
        entry = session.scalars(query.order_by(AuditEntry.id.desc()).limit(1)).one()
        return {"user_name": entry.user_name, "status": entry.status}


def start(browser, address="/jobs?state=running"):
    """Start a login; return the query of the answer of the provider."""
    begun = browser.get("/v1/session/oidc/start", params={"next": address})
    assert begun.status_code == 303, begun.text
    answered = httpx2.get(begun.headers["Location"])
    assert answered.status_code == 302, answered.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answered.headers["Location"]).query).items()}


def finish(browser, answer):
    return browser.get("/v1/session/oidc/callback", params=answer, headers={"Sec-Fetch-Site": "cross-site"})


def log_in(browser, **options):
    return finish(browser, start(browser, **options))


def check_is_refused(browser, response, code):
    assert response.headers["X-Stackyard-Code"] == code, response.text
    assert f"/login?reason={code}" in response.text
    assert response.status_code in {400, 403, 502}
    assert COOKIE_NAME not in browser.cookies
    assert browser.get("/v1/jobs").status_code == 401


class TestLogin:
    def test_a_person_logs_in_as_the_user_with_their_identity(self, server):
        browser = open_browser(server)
        assert browser.get("/v1/session").json()["oidc_login"] == "/v1/session/oidc/start"
        response = log_in(browser)
        assert response.status_code == 200
        assert 'http-equiv="refresh" content="0;url=/jobs?state=running"' in response.text
        assert browser.get("/v1/account").json()["user"]["name"] == "ann"
        assert [find_audit_entry(server)[name] for name in ("user_name", "status")] == ["ann", 200]
        cookie = next(text for text in response.headers.get_list("Set-Cookie") if text.startswith(COOKIE_NAME))
        assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
        assert browser.delete("/v1/session", headers={"Origin": LOCAL_URL}).status_code == 204
        assert browser.get("/v1/jobs").status_code == 401

    def test_the_request_has_pkce_and_fresh_secrets(self, server):
        browser = open_browser(server)
        queries = [
            parse_qs(urlsplit(browser.get("/v1/session/oidc/start").headers["Location"]).query) for _ in range(2)
        ]
        for name in ("state", "nonce", "code_challenge"):
            assert queries[0][name] != queries[1][name]
        assert queries[0]["code_challenge_method"] == ["S256"]
        assert queries[0]["redirect_uri"] == [f"{LOCAL_URL}/v1/session/oidc/callback"]

    def test_documents_and_keys_of_the_provider_are_cached(self, server, provider):
        for _ in range(2):
            assert log_in(open_browser(server)).status_code == 200
        assert provider.requests.count("GET /keys") == 1
        assert provider.requests.count("GET /.well-known/openid-configuration") == 1

    def test_a_key_that_the_provider_changes_is_loaded(self, server, provider):
        assert log_in(open_browser(server)).status_code == 200
        provider.rotate_key()
        assert log_in(open_browser(server)).status_code == 200

    def test_behind_a_proxy_with_tls_the_cookies_are_secure(self, build_server):
        url = "https://stackyard.example.org/v1/session/oidc/callback"
        browser = open_browser(build_server(oidc_redirect_url=url)[0])
        begun = browser.get("/v1/session/oidc/start")
        assert parse_qs(urlsplit(begun.headers["Location"]).query)["redirect_uri"] == [url]
        assert "secure" in begun.headers["Set-Cookie"].lower()

    def test_a_server_without_a_provider_has_no_such_routes(self, client):
        assert client.get("/v1/session/oidc/start", follow_redirects=False).status_code == 404
        assert client.get("/v1/session").json()["oidc_login"] is None

    @pytest.mark.parametrize("issuer", ["http://example.org", "example.org", "ftp://example.org"])
    def test_a_provider_without_tls_is_refused(self, issuer):
        with pytest.raises(ValidationError):
            Settings(oidc_issuer=issuer, oidc_client_id="a")
        with pytest.raises(ValidationError, match="oidc_client_id"):
            Settings(oidc_issuer="https://example.org")


class TestAccounts:
    def test_an_identity_without_a_user_is_refused_and_named(self, build_server, provider):
        browser = open_browser(build_server()[0])
        response = log_in(browser)
        check_is_refused(browser, response, "no_account")
        assert f"{provider.issuer} {provider.person.subject}" in response.text

    def test_a_disabled_user_is_refused(self, build_server, provider):
        client, admin = build_server()
        subject = f"{provider.issuer} {provider.person.subject}"
        client.post("/v1/users", json={"name": "ann", "oidc_subject": subject}, headers=admin)
        client.patch("/v1/users/ann", json={"disabled": True}, headers=admin)
        browser = open_browser(client)
        check_is_refused(browser, log_in(browser), "account_disabled")

    def test_members_are_created_on_request_once_and_with_a_free_name(self, build_server, provider):
        client, admin = build_server(oidc_create_users=True)
        provider.person.claims["preferred_username"] = "zoe"
        for _ in range(2):
            browser = open_browser(client)
            assert log_in(browser).status_code == 200
            account = browser.get("/v1/account").json()
            assert (account["user"]["name"], account["role"]) == ("zoe-2", "member")
        provider.person = Person("other", {"preferred_username": "<Ärger> x"})
        assert log_in(open_browser(client)).status_code == 200
        names = [user["name"] for user in client.get("/v1/users", headers=admin).json()["items"]]
        assert names == ["rger-x", "zoe-2", "zoe"]
        assert all(token["kind"] == "session" for token in list_tokens(client, admin, "zoe-2"))

    def test_no_login_creates_the_first_user(self, settings, make_client, provider):
        oidc = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT_ID, "oidc_create_users": True}
        client = make_client(
            settings.model_copy(
                update=oidc | {"token": SecretStr("long"), "oidc_client_secret": SecretStr(CLIENT_SECRET)}
            )
        )
        browser = open_browser(client)
        check_is_refused(browser, log_in(browser), "no_account")

    def test_domains_and_groups_restrict_who_may_log_in(self, build_server, provider):
        options = {"oidc_allowed_domains": ("example.org",), "oidc_allowed_groups": ("staff", "admins")}
        client, _ = build_server(oidc_create_users=True, **options)
        allowed = {"email": "ann@EXAMPLE.org", "email_verified": True, "groups": ["staff"]}
        wrong = [{"email_verified": False}, {"email": "ann@example.org.evil.org"}, {"email": ["ann@example.org"]}]
        for changes in (*wrong, {"groups": "staff"}, {"groups": []}):
            provider.person.claims = allowed | changes
            browser = open_browser(client)
            check_is_refused(browser, log_in(browser), "not_allowed")
        provider.person.claims = allowed
        assert log_in(open_browser(client)).status_code == 200


def list_tokens(client, admin, user):
    return client.get("/v1/tokens", params={"user": user}, headers=admin).json()["items"]


class TestAttacks:
    def test_an_answer_for_another_login_is_refused(self, server):
        browser, attacker = open_browser(server), open_browser(server)
        answer = start(browser)
        for wrong in ({**answer, "state": "x"}, {"code": answer["code"]}, start(attacker)):
            attempt = open_browser(server)
            attempt.cookies.update(browser.cookies)
            check_is_refused(attempt, finish(attempt, wrong), "unknown_login")
        check_is_refused(attacker, finish(open_browser(server), answer), "unknown_login")

    def test_a_code_is_used_once(self, server):
        browser = open_browser(server)
        answer = start(browser)
        cookies = dict(browser.cookies)
        assert finish(browser, answer).status_code == 200
        repeated = open_browser(server)
        check_is_refused(repeated, finish(repeated, answer), "unknown_login")  # the cookie is gone
        repeated.cookies.update(cookies)
        check_is_refused(repeated, finish(repeated, answer), "provider_unavailable")  # and so is the code

    def test_a_token_with_other_claims_is_refused(self, server, provider):
        for changes in WRONG_CLAIMS:
            provider.forge = lambda claims, changes=changes: provider.sign(
                {name: value for name, value in (claims | changes).items() if value is not None}
            )
            browser = open_browser(server)
            response = log_in(browser)
            assert response.headers.get("X-Stackyard-Code") == "invalid_token", (changes, response.text)
            check_is_refused(browser, response, "invalid_token")

    def test_a_token_with_a_forged_signature_is_refused(self, server, provider):
        stranger = RSAKey.generate_key(2048, {"kid": provider.key.kid})
        public = provider.key.as_pem(private=False)
        header = {"kid": provider.key.kid}
        forgeries = {
            "another key": lambda claims: provider.sign(claims, stranger),
            "an unknown key": lambda claims: provider.sign(claims, RSAKey.generate_key(2048, {"kid": "unknown"})),
            "none": lambda claims: f"{encode({'alg': 'none', **header})}.{encode(claims)}.",
            "the public key as a secret": lambda claims: sign_with_secret({"alg": "HS256", **header}, claims, public),
            "a key of its own": lambda claims: jwt.encode(
                {"alg": "RS256", "jwk": stranger.as_dict(private=False)}, claims, stranger
            ),
            "no token": lambda _: "nothing",
            "another signature": lambda claims: provider.sign(claims)[:-8] + "AAAAAAAA",
        }
        for name, forge in forgeries.items():
            provider.forge = forge
            browser = open_browser(server)
            response = log_in(browser)
            assert response.headers.get("X-Stackyard-Code") == "invalid_token", (name, response.text)
            check_is_refused(browser, response, "invalid_token")

    def test_forged_keys_do_not_load_the_keys_again_and_again(self, server, provider):
        stranger = RSAKey.generate_key(2048, {"kid": "unknown"})
        provider.forge = lambda claims: provider.sign(claims, stranger)
        for _ in range(4):
            browser = open_browser(server)
            check_is_refused(browser, log_in(browser), "invalid_token")
        assert provider.requests.count("GET /keys") <= 2

    def test_a_refusal_of_the_provider_is_shown(self, server, provider):
        provider.person = None
        browser = open_browser(server)
        response = log_in(browser)
        check_is_refused(browser, response, "provider_refused")
        assert "access_denied" in response.text

    def test_texts_of_the_provider_do_not_become_html(self, server):
        browser = open_browser(server)
        state = start(browser)["state"]
        response = finish(browser, {"state": state, "error": "<script>alert(1)</script>"})
        assert "<script>" not in response.text
        assert "&lt;script&gt;" in response.text

    @pytest.mark.parametrize(
        "address",
        [
            "https://evil.example.org/",
            "//evil.example.org/",
            "/\\evil.example.org",
            "\\\\evil.example.org",
            "/\t/evil.example.org",
            "javascript:alert(1)",
            "jobs",
            "",
            "/a\r\nSet-Cookie: x=y",
            "http://[",
            "/" + "a" * 2000,
        ],
    )
    def test_the_login_leads_to_no_other_site(self, address):
        assert choose_own_address(address) == "/"

    def test_a_forged_cookie_leads_to_no_other_site(self, server):
        browser = open_browser(server)
        answer = start(browser)
        cookie = json.loads(base64.urlsafe_b64decode(browser.cookies["stackyard_login"].strip('"')))
        forged = base64.urlsafe_b64encode(json.dumps(cookie | {"next": "https://evil.example.org"}).encode()).decode()
        attacked = open_browser(server)
        attacked.cookies.set("stackyard_login", forged)
        response = finish(attacked, answer)
        assert response.status_code == 200
        assert 'content="0;url=/"' in response.text
        for garbage in ("x", "e30=", "W10=", base64.urlsafe_b64encode(b"5").decode()):
            attacked = open_browser(server)
            attacked.cookies.set("stackyard_login", garbage)
            check_is_refused(attacked, finish(attacked, answer), "unknown_login")

    def test_an_address_that_fails_too_often_must_wait(self, server, provider):
        provider.forge = lambda _: "nothing"
        codes = [log_in(open_browser(server, "10.1.1.1")).headers["X-Stackyard-Code"] for _ in range(11)]
        assert codes == ["invalid_token"] * 10 + ["too_many_logins"]

    def test_a_provider_that_does_not_answer_is_no_error_of_the_server(self, build_server):
        browser = open_browser(build_server(oidc_issuer="http://127.0.0.1:9")[0])
        response = browser.get("/v1/session/oidc/start")
        check_is_refused(browser, response, "provider_unavailable")


WRONG_CLAIMS = [
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "another"},
    {"aud": [CLIENT_ID, "another"]},
    {"aud": [CLIENT_ID], "azp": "another"},
    {"iss": "https://evil.example.org"},
    {"exp": 1},
    {"exp": None},
    {"exp": "soon"},
    {"iat": 99_999_999_999},
    {"sub": ""},
    {"sub": 5},
    {"sub": "a\nb"},
]


def sign_with_secret(header, claims, secret):
    content = f"{encode(header)}.{encode(claims)}"
    signature = base64.urlsafe_b64encode(hmac.digest(secret, content.encode(), "sha256"))
    return f"{content}.{signature.decode().rstrip('=')}"


def encode(document):
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")
