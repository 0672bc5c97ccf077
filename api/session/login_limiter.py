"""A bound on the failed logins of each address, against guesses of the token."""

import time
from collections import OrderedDict
from collections.abc import Callable

from api.server.connection_table import group_address

_MAX_FAILURES = 10
_PERIOD_S = 60.0
_MAX_ADDRESSES = 10_000
"""Addresses that are remembered. Beyond it, the one whose period began first is forgotten."""


class LoginLimiter:
    """Counts failed logins by address in periods of a minute. It is used in the event loop only.

    Args:
        clock: returns seconds that never go back.

    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def compute_wait(self, client: str) -> float:
        """Return the seconds until the client may try again; 0 if it may try now."""
        start, count = self._find_period(group_address(client))
        return start + _PERIOD_S - self._clock() if count >= _MAX_FAILURES else 0.0

    def add_failure(self, client: str) -> None:
        """Count a failed login."""
        address = group_address(client)
        start, count = self._find_period(address)
        self._failures[address] = start, count + 1
        while len(self._failures) > _MAX_ADDRESSES:
            self._failures.popitem(last=False)

    def _find_period(self, address: str) -> tuple[float, int]:
        """Return the start of the address's period, and its failures since; a period that is over is forgotten."""
        now = self._clock()
        start, count = self._failures.get(address, (now, 0))
        if now - start < _PERIOD_S:
            return start, count
        del self._failures[address]
        return now, 0
