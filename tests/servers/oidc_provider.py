"""A small OpenID Connect provider over HTTP: discovery, authorization code flow with PKCE, and rotating keys."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT_ID, CLIENT_SECRET = "stackyard", "s3cret/+"
LIFETIME_S = 300


@dataclass
class Person:
    """Who logs in at the provider."""

    subject: str = "248289761001"
    claims: dict[str, Any] = field(default_factory=dict)


class OidcProvider:
    """A provider in a thread. `person` logs in without being asked.

    `forge` may replace an identity token, from its claims, before the provider sends it.
    """

    def __init__(self) -> None:
        self.person: Person | None = Person(claims={"preferred_username": "ann", "email": "ann@example.org"})
        self.forge: Callable[[dict[str, Any]], str] = self.sign
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
        self.requests: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _build_handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def rotate_key(self) -> None:
        """Sign with another key from now on, and publish only that one."""
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})

    def sign(self, claims: dict[str, Any], key: RSAKey | None = None) -> str:
        key = key or self.key
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)

    def answer(self, method: str, target: str, body: str, headers: Any) -> tuple[int, dict[str, str], Any]:
        """Return the status, the headers and the document of an answer."""
        path, query = urlsplit(target).path, _parse_form(urlsplit(target).query)
        self.requests.append(f"{method} {path}")
        match path:
            case "/.well-known/openid-configuration":
                return 200, {}, self._describe()
            case "/keys":
                return 200, {}, KeySet([self.key]).as_dict(private=False)
            case "/authorize":
                return self._authorize(query)
            case "/token":
                return self._exchange(_parse_form(body), headers.get("Authorization", ""))
        return 404, {}, {}

    def _describe(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _authorize(self, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        expected = {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256"}
        if any(query.get(name) != value for name, value in expected.items()):
            return 400, {}, {"error": "invalid_request"}
        if self.person is None:
            answer = {"error": "access_denied", "state": query["state"]}
        else:
            code = secrets.token_urlsafe(16)
            self._codes[code] = query
            answer = {"code": code, "state": query["state"]}
        return 302, {"Location": f"{query['redirect_uri']}?{urlencode(answer)}"}, {}

    def _exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, str], Any]:
        query = self._codes.pop(form.get("code", ""), None)  # a code is valid once
        credentials = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        is_valid = (
            query is not None
            and [unquote(text) for text in credentials.split(":")] == [CLIENT_ID, CLIENT_SECRET]
            and form.get("redirect_uri") == query["redirect_uri"]
            and challenge.decode().rstrip("=") == query["code_challenge"]
        )
        if not is_valid or query is None or self.person is None:
            return 400, {}, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": self.person.subject,
            "iat": now,
            "exp": now + LIFETIME_S,
            "nonce": query["nonce"],
            **self.person.claims,
        }
        return 200, {}, {"access_token": "unused", "token_type": "Bearer", "id_token": self.forge(claims)}


def _parse_form(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


def _build_handler(provider: OidcProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            status, headers, document = provider.answer(self.command, self.path, body, self.headers)
            content = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _reply  # noqa: N815  names of the base class

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
