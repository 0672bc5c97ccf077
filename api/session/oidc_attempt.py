"""A login through the identity provider that has begun: it waits in a cookie of the browser."""

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Self
from urllib.parse import urlsplit

from service.team.oidc.identity_provider import LoginSecrets

ATTEMPT_COOKIE = "stackyard_login"
ATTEMPT_LIFETIME_S = 600
_RANDOM_BYTES = 32
_MAX_COOKIE_LENGTH = 4096
_MAX_ADDRESS_LENGTH = 1000


@dataclass(frozen=True)
class LoginAttempt:
    """The secrets of a login, and the address to open afterwards.

    The cookie needs no signature: it binds the answer of the provider to the browser that started the login.
    """

    secrets: LoginSecrets
    next: str

    @classmethod
    def create(cls, next_address: str) -> Self:
        """Start a login; an address of another site becomes `/`."""
        texts = (secrets.token_urlsafe(_RANDOM_BYTES) for _ in range(3))
        return cls(LoginSecrets(*texts), choose_own_address(next_address))

    @classmethod
    def parse(cls, cookie: str) -> Self | None:
        """Return the attempt in a cookie; None if it is no such cookie."""
        try:
            document = json.loads(base64.urlsafe_b64decode(cookie[:_MAX_COOKIE_LENGTH]))
            login_secrets = LoginSecrets(*(str(document[name]) for name in ("state", "nonce", "code_verifier")))
            return cls(login_secrets, choose_own_address(str(document["next"])))
        except (ValueError, LookupError, TypeError):
            return None

    def encode(self) -> str:
        """Return the value of the cookie."""
        return base64.urlsafe_b64encode(json.dumps({**asdict(self.secrets), "next": self.next}).encode()).decode()


def choose_own_address(address: str) -> str:
    """Return a path of this server with its query; `/` for anything that a browser could take for another site."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    is_own = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith("//")
    is_plain = address.isascii() and address.isprintable() and "\\" not in address and " " not in address
    return address if is_own and is_plain and len(address) <= _MAX_ADDRESS_LENGTH else "/"
