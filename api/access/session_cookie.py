"""The cookie of a browser that has logged in: signed with a key from the server's token, and valid for a limited time.

It needs no table. A restart of the API keeps it valid, every API process accepts it, and another token revokes it.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

COOKIE_NAME = "stackyard_session"
_PURPOSE = b"stackyard session cookie, version 1"
_NONCE_BYTES = 16
_MAX_LENGTH = 200
"""No valid cookie is longer, so that a longer one is refused without a computation."""


class SessionSigner:
    """Issues and verifies the values of session cookies.

    Args:
        token: the server's token.
        lifetime_s: seconds for which a cookie is valid.
        clock: returns the time in seconds since 1970.

    """

    def __init__(self, token: str, lifetime_s: float, clock: Callable[[], float] = time.time) -> None:
        self.lifetime_s = lifetime_s
        self._token = token.encode()
        self._key = hmac.digest(self._token, _PURPOSE, hashlib.sha256)
        self._clock = clock

    def is_token(self, candidate: bytes) -> bool:
        """Return whether a client knows the token. The time of the comparison does not depend on it."""
        return hmac.compare_digest(candidate, self._token)

    def issue_cookie(self) -> str:
        """Return the value of a new cookie: its last second, random characters, and their signature."""
        content = f"{int(self._clock() + self.lifetime_s)}.{secrets.token_urlsafe(_NONCE_BYTES)}"
        return f"{content}.{self._sign(content)}"

    def is_valid(self, cookie: str) -> bool:
        """Return whether this server, or one with the same token, issued the cookie, and it has not expired."""
        content, _, signature = cookie.rpartition(".")
        if len(cookie) > _MAX_LENGTH or not cookie.isascii():
            return False
        if not hmac.compare_digest(signature, self._sign(content)):
            return False
        return self._clock() < int(content.partition(".")[0])

    def _sign(self, content: str) -> str:
        digest = hmac.digest(self._key, content.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
