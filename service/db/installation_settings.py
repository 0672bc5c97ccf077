"""Settings of the installation that its sessions carry, for functions that get only a session."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from stackyard.spec import BackendSetting

DEFAULT_BACKEND = "default_backend"
"""The key of `Settings.default_backend` in the `info` of a session."""


def get_default_backend(session: Session) -> BackendSetting:
    """Return what the backend `auto` means on this installation; `auto` is the rule of the spec language."""
    info: Mapping[str, Any] = session.info
    return info.get(DEFAULT_BACKEND, "auto")
