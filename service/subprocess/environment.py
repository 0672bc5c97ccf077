"""Environment variables of processes that read untrusted input."""

import os

_SECRET_PREFIXES = ("STACKYARD_", "AWS_")


def build_environment_without_secrets() -> dict[str, str]:
    """Return this process's environment without the installation's settings and the credentials of its bucket."""
    return {key: value for key, value in os.environ.items() if not key.startswith(_SECRET_PREFIXES)}
