"""The documents of the provider: its configuration and its keys, loaded over HTTP and cached."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ValidationError

from service.team.oidc.login_refusal import LoginRefused, RefusalCode
from stackyard.loopback import is_loopback_name

_LIFETIME_S = 3600.0
_MIN_REFRESH_S = 10.0
"""Forged tokens with unknown keys must not let the server load the keys again and again."""
_TIMEOUT_S = 5.0
_MAX_BYTES = 2**20


class ProviderConfiguration(BaseModel):
    """The part of the discovery document that a login needs (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


@dataclass
class _Cached:
    value: Any
    loaded_at: float


class ProviderDocuments:
    """Loads and caches the configuration and the keys of a provider. Threads may share it.

    Args:
        issuer: the URL of the issuer, without a slash at the end if it has none.
        clock: returns seconds that never go back.

    """

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: dict[str, _Cached] = {}
        self._refreshed_at = -_MIN_REFRESH_S

    def load_configuration(self) -> ProviderConfiguration:
        """Return the configuration.

        Raises:
            LoginRefused: the provider does not answer, or with another document.

        """
        return self._get("configuration", self._fetch_configuration)

    def load_keys(self) -> KeySet:
        """Return the keys that sign identity tokens.

        Raises:
            LoginRefused: the provider does not answer, or with another document.

        """
        return self._get("keys", self._fetch_keys)

    def refresh_keys(self) -> KeySet | None:
        """Load the keys anew, because a token has one that is not known; None if that happened a moment ago."""
        with self._lock:
            if self._clock() - self._refreshed_at < _MIN_REFRESH_S:
                return None
            self._refreshed_at = self._clock()
            self._cache.pop("keys", None)
        return self.load_keys()

    def _get(self, name: str, fetch: Callable[[], Any]) -> Any:
        cached = self._cache.get(name)
        if cached is None or self._clock() - cached.loaded_at > _LIFETIME_S:
            cached = _Cached(fetch(), self._clock())
            self._cache[name] = cached
        return cached.value

    def _fetch_configuration(self) -> ProviderConfiguration:
        document = send_provider_request("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            configuration = ProviderConfiguration.model_validate(document)
        except ValidationError:
            raise _build_unavailable("Its configuration is not a discovery document.") from None
        if configuration.issuer != self._issuer:
            raise _build_unavailable("Its configuration is of another issuer.")
        endpoints = (configuration.authorization_endpoint, configuration.token_endpoint, configuration.jwks_uri)
        if not all(is_safe_url(endpoint) for endpoint in endpoints):
            raise _build_unavailable("Its configuration has an address that is not protected by TLS.")
        return configuration

    def _fetch_keys(self) -> KeySet:
        document = send_provider_request("GET", self.load_configuration().jwks_uri)
        try:
            return KeySet.import_key_set({"keys": list(document["keys"])})
        except (JoseError, LookupError, TypeError, ValueError):
            raise _build_unavailable("Its keys cannot be read.") from None


def is_safe_url(url: str) -> bool:
    """Return whether a URL has TLS, or is of this machine, as in tests."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback_name(host)))


def send_provider_request(
    method: str,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    credentials: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Send a request to the provider, and return the JSON object of its successful answer.

    Redirects are not followed, and the answer may have at most a megabyte.

    Raises:
        LoginRefused: the provider does not answer so.

    """
    try:
        with (
            httpx2.Client(timeout=_TIMEOUT_S, follow_redirects=False) as client,
            client.stream(method, url, data=dict(form or {}), auth=credentials) as answer,
        ):
            content = _read_bounded(answer)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise _build_unavailable("It does not answer.") from None
    if not answer.is_success:
        raise _build_unavailable(f"It answers with status {answer.status_code}.")
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _build_unavailable("It does not answer with a JSON object.")
    return cast("dict[str, Any]", document)


def _read_bounded(answer: httpx2.Response) -> bytes:
    content = b""
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > _MAX_BYTES:
            raise _build_unavailable("Its answer is too large.")
    return content


def _build_unavailable(detail: str) -> LoginRefused:
    return LoginRefused(RefusalCode.PROVIDER_UNAVAILABLE, f"The identity provider cannot be used now. {detail}")
