"""What a process that reads hostile input is told of this one's environment."""

import os


def without_secrets() -> dict[str, str]:
    """Return the environment of this process but for the installation's settings, among which are its secrets."""
    return {key: value for key, value in os.environ.items() if not key.startswith("STACKYARD_")}
