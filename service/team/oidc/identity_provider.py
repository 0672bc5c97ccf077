"""The authorization code flow with PKCE at an identity provider (RFC 6749, RFC 7636)."""

import base64
import hashlib
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from service.settings import Settings
from service.team.oidc.identity_tokens import Identity, IdentityTokenVerifier
from service.team.oidc.login_refusal import LoginRefused, RefusalCode
from service.team.oidc.provider_documents import ProviderDocuments, send_provider_request


@dataclass(frozen=True)
class LoginSecrets:
    """The random texts of a login, which only the browser and this server know."""

    state: str
    nonce: str
    code_verifier: str


class IdentityProvider:
    """The identity provider of an installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._documents = ProviderDocuments(settings.oidc_issuer)
        self._verifier = IdentityTokenVerifier(settings.oidc_issuer, settings.oidc_client_id, self._documents)

    def build_authorization_url(self, secrets: LoginSecrets, redirect_url: str) -> str:
        """Return the address at the provider to which the browser goes.

        Raises:
            LoginRefused: the provider is unavailable.

        """
        endpoint = self._documents.load_configuration().authorization_endpoint
        query = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": redirect_url,
            "scope": self._settings.oidc_scopes,
            "state": secrets.state,
            "nonce": secrets.nonce,
            "code_challenge": _compute_challenge(secrets.code_verifier),
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def load_identity(self, code: str, secrets: LoginSecrets, redirect_url: str) -> Identity:
        """Exchange the code of the provider for an identity token, verify it, and return its identity.

        Raises:
            LoginRefused: the provider refuses the code or is unavailable, the token is not valid, or the identity is
                of none of the allowed domains or groups.

        """
        configuration = self._documents.load_configuration()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_url,
            "client_id": self._settings.oidc_client_id,
            "code_verifier": secrets.code_verifier,
        }
        credentials = None
        if self._settings.oidc_client_secret is not None:
            secret = self._settings.oidc_client_secret.get_secret_value()
            if "client_secret_basic" in configuration.token_endpoint_auth_methods_supported:
                credentials = (quote(self._settings.oidc_client_id, safe=""), quote(secret, safe=""))
            else:
                form["client_secret"] = secret
        answer = send_provider_request("POST", configuration.token_endpoint, form=form, credentials=credentials)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise LoginRefused(RefusalCode.PROVIDER_UNAVAILABLE, "The identity provider sends no identity token.")
        identity = self._verifier.verify(token, secrets.nonce)
        self._check_is_allowed(identity)
        return identity

    def _check_is_allowed(self, identity: Identity) -> None:
        domains, groups = self._settings.oidc_allowed_domains, self._settings.oidc_allowed_groups
        domain = (identity.email or "").rpartition("@")[2]
        if domains and domain not in {name.lower() for name in domains}:
            raise LoginRefused(RefusalCode.NOT_ALLOWED, "Your verified e-mail address is of no allowed domain.")
        if groups and identity.groups.isdisjoint(groups):
            raise LoginRefused(RefusalCode.NOT_ALLOWED, "You are in none of the groups that may log in.")


def _compute_challenge(code_verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).decode().rstrip("=")
