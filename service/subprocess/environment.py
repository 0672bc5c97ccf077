"""What a process that reads hostile input is told of this one's environment."""

import os

_SECRET = ("STACKYARD_", "AWS_")


def without_secrets() -> dict[str, str]:
    """Return the environment of this process but for the installation's settings, and the keys to its bucket."""
    return {key: value for key, value in os.environ.items() if not key.startswith(_SECRET)}
