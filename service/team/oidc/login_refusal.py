"""Why a login through the identity provider does not succeed."""

from enum import StrEnum


class RefusalCode(StrEnum):
    """The cause of a refused login, for programs."""

    UNKNOWN_LOGIN = "unknown_login"
    """The answer of the provider belongs to no login of this browser, or to one that is too old."""
    TOO_MANY_LOGINS = "too_many_logins"
    """The address has failed too often."""
    PROVIDER_REFUSED = "provider_refused"
    """The provider, or the user there, refused."""
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    """The provider does not answer, or not as the standard says."""
    INVALID_TOKEN = "invalid_token"  # noqa: S105  a code, not a secret
    """The identity token is not valid."""
    NOT_ALLOWED = "not_allowed"
    """The identity is of none of the allowed domains or groups."""
    NO_ACCOUNT = "no_account"
    """The server has no user for this identity."""
    ACCOUNT_DISABLED = "account_disabled"
    """An admin has disabled the user."""


class LoginRefused(Exception):
    """A login does not succeed. The message is for the person who logs in, and has no secret."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code = code
