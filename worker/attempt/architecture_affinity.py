"""Which architectures a process prefers, because it has compiled them already."""

from collections import deque
from collections.abc import Collection

_MAX_ARCHITECTURES = 4
_MAX_PREFERRED_CLAIMS = 16
"""Number of claims with a preference in a row. The next one takes the oldest job, so that none waits for ever."""


class ArchitectureAffinity:
    """The architectures of the last jobs of a process, and how often it has preferred them in a row."""

    def __init__(self) -> None:
        self._recent: deque[str] = deque(maxlen=_MAX_ARCHITECTURES)
        self._preferred_claims = 0

    def list_preferred(self) -> Collection[str]:
        """Return the keys of the architectures to prefer in the next claim; none if the oldest job is due."""
        return () if self._preferred_claims >= _MAX_PREFERRED_CLAIMS else tuple(self._recent)

    def record(self, architecture: str | None) -> None:
        """Record the architecture of the claimed job."""
        self._preferred_claims = 0 if self._preferred_claims >= _MAX_PREFERRED_CLAIMS else self._preferred_claims + 1
        if architecture is None:
            return
        if architecture in self._recent:
            self._recent.remove(architecture)
        self._recent.append(architecture)
