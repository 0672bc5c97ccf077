"""How the usage of users is weighed: the half-life, and the weight of each device."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from service.db.database import SessionFactory
from service.db.installation_settings import DEFAULT_BACKEND
from service.settings import Settings

_POLICY = "usage_policy"
_DAY_S = 86_400.0


@dataclass(frozen=True)
class UsagePolicy:
    """How usage is weighed.

    Args:
        half_life_s: seconds after which usage counts half.
        weights: the weight of a second on a device; 1 if it is not listed.

    """

    half_life_s: float = _DAY_S
    weights: Mapping[str, float] = field(default_factory=dict[str, float])

    def weigh(self, seconds: float, device: str) -> float:
        """Return the usage of so many seconds on a device."""
        return seconds * self.weights.get(device, 1.0)

    def decay(self, usage: float, since: datetime | None, until: datetime) -> float:
        """Return how much of a usage is left at a later time; after very many half-lives, nothing.

        Usage does not grow if a clock goes back.
        """
        if since is None:
            return usage
        return usage * 2.0 ** -(max(0.0, (until - since).total_seconds()) / self.half_life_s)


_DEFAULT_POLICY = UsagePolicy()


def open_sessions(settings: Settings) -> SessionFactory:
    """Return the sessions of an installation. They know its policy, and which backend `auto` means.

    Each end of an attempt needs the first, and each new job the second.
    """
    policy = UsagePolicy(settings.usage_half_life_s, {"gpu": settings.gpu_weight})
    return SessionFactory(settings.resolved_database_url).with_info(
        {_POLICY: policy, DEFAULT_BACKEND: settings.default_backend}
    )


def get_policy(session: Session) -> UsagePolicy:
    """Return the policy of a session; the default one if it does not come from `open_sessions`."""
    info: Mapping[str, Any] = session.info
    return info.get(_POLICY, _DEFAULT_POLICY)
