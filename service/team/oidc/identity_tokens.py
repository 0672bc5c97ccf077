"""Verification of identity tokens (OpenID Connect Core 1.0, section 3.1.3.7)."""

import hmac
import time
from dataclasses import dataclass
from typing import Any, cast

from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from service.team.oidc.login_refusal import LoginRefused, RefusalCode
from service.team.oidc.provider_documents import ProviderDocuments

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures with a public key. `none` and those with a shared secret would let others than the provider sign."""
_LEEWAY_S = 60
_MAX_SUBJECT_LENGTH = 255


@dataclass(frozen=True)
class Identity:
    """A person, as the provider has verified them.

    Args:
        subject: the issuer and the subject, as `models.User.oidc_subject` has them.
        names: proposals for the name of a user, the best first.
        email: the verified address; None without one.
        groups: the groups that the token names.

    """

    subject: str
    names: tuple[str, ...]
    email: str | None
    groups: frozenset[str]


class IdentityTokenVerifier:
    """Verifies identity tokens of one issuer for one client."""

    def __init__(self, issuer: str, client_id: str, documents: ProviderDocuments) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._documents = documents

    def verify(self, text: str, nonce: str) -> Identity:
        """Return the identity of a token.

        Args:
            text: the token.
            nonce: the random text that the login sent to the provider.

        Raises:
            LoginRefused: the signature, the issuer, the audience, the time or the nonce is another one, or the keys
                cannot be loaded.

        """
        claims = self._read_claims(text)
        try:
            self._build_registry().validate(claims)
        except JoseError as error:
            raise _build_invalid(f"Its claims are not valid ({error.error}).") from None
        self._check_audience(claims)
        if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
            raise _build_invalid("It is for another login.")
        return _build_identity(self._issuer, claims)

    def _read_claims(self, text: str) -> dict[str, Any]:
        """Return the claims of a token with a valid signature. The provider may have changed its keys meanwhile."""
        try:
            try:
                return _decode(text, self._documents.load_keys())
            except (InvalidKeyIdError, BadSignatureError):
                keys = self._documents.refresh_keys()
                if keys is None:
                    raise
                return _decode(text, keys)
        except (JoseError, ValueError):
            raise _build_invalid("Its signature is not valid.") from None

    def _build_registry(self) -> jwt.JWTClaimsRegistry:
        essential: jwt.ClaimsOption = {"essential": True}
        return jwt.JWTClaimsRegistry(
            now=int(time.time()),
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            sub=essential,
            exp=essential,
            iat=essential,
            nonce=essential,
        )

    def _check_audience(self, claims: dict[str, Any]) -> None:
        """Check the authorized party, which a token with several audiences needs."""
        audience = claims["aud"]
        has_others = isinstance(audience, list) and audience != [self._client_id]
        party = claims.get("azp")
        if (has_others and party is None) or (party is not None and party != self._client_id):
            raise _build_invalid("It is for another application.")


def _decode(text: str, keys: KeySet) -> dict[str, Any]:
    return jwt.decode(text, keys, algorithms=_ALGORITHMS).claims


def _build_identity(issuer: str, claims: dict[str, Any]) -> Identity:
    subject = claims["sub"]
    if not subject or len(subject) > _MAX_SUBJECT_LENGTH or not subject.isprintable():
        raise _build_invalid("Its subject is not valid.")
    email = claims.get("email")
    email = email.lower() if isinstance(email, str) and claims.get("email_verified") is True else None
    groups = claims.get("groups")
    names = (claims.get("preferred_username"), (email or "").partition("@")[0], subject)
    return Identity(
        subject=f"{issuer} {subject}",
        names=tuple(name for name in names if isinstance(name, str) and name),
        email=email,
        groups=frozenset(map(str, cast("list[Any]", groups))) if isinstance(groups, list) else frozenset(),
    )


def _build_invalid(detail: str) -> LoginRefused:
    return LoginRefused(RefusalCode.INVALID_TOKEN, f"The token of the identity provider is refused. {detail}")
