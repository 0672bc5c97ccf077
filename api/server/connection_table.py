"""Bounds on the number of connections, in all and per address."""

import ipaddress
import time
from collections import Counter
from typing import Protocol

import structlog

_LOG_INTERVAL_S = 60.0
_IPV6_PREFIX = 64
"""Length of the IPv6 prefix that counts as one address, because one host can use all of its addresses."""

log = structlog.get_logger()


class Connection(Protocol):
    """A connection that can be cut off."""

    def abort(self) -> None:
        """Close the connection at once."""
        ...


class ConnectionTable:
    """The open connections, and of those, the idle ones in the order in which they became idle.

    A connection is idle while it has no complete request. At a bound, a new connection replaces the one that is idle
    for the longest time, so that silent connections cannot lock others out. If none is idle, it is refused.

    Args:
        max_connections: bound on all connections.
        max_per_address: bound on the connections of one address; an IPv6 network of 64 bits counts as one.

    """

    def __init__(self, max_connections: int, max_per_address: int) -> None:
        self._max_connections = max_connections
        self._max_per_address = max_per_address
        self._addresses: dict[Connection, str] = {}
        self._counts: Counter[str] = Counter()
        self._idle: dict[Connection, None] = {}
        self._idle_by_address: dict[str, dict[Connection, None]] = {}
        self._used: set[Connection] = set()
        self._logged_at = float("-inf")
        self._unlogged_count = 0

    def __len__(self) -> int:
        return len(self._addresses)

    def add(self, connection: Connection, client_host: str) -> bool:
        """Add a new, idle connection, and return whether it is admitted."""
        address = group_address(client_host)
        if self._counts[address] >= self._max_per_address:
            self._log_bound("address", address)
            if not self._cut_off_oldest(self._idle_by_address.get(address, {})):
                return False
        elif len(self._addresses) >= self._max_connections:
            self._log_bound("all", address)
            if not self._cut_off_oldest(self._idle):
                return False
        self._addresses[connection] = address
        self._counts[address] += 1
        self.mark_idle(connection)
        return True

    def mark_idle(self, connection: Connection) -> None:
        """Record that a connection waits for a request."""
        if address := self._addresses.get(connection):
            self._idle[connection] = None
            self._idle_by_address.setdefault(address, {})[connection] = None

    def mark_busy(self, connection: Connection) -> None:
        """Record that a connection has a request."""
        self._used.add(connection)
        self._idle.pop(connection, None)
        address = self._addresses.get(connection, "")
        if idle := self._idle_by_address.get(address):
            idle.pop(connection, None)
            if not idle:
                del self._idle_by_address[address]

    def remove(self, connection: Connection) -> None:
        """Remove a connection that was closed or refused."""
        self.mark_busy(connection)
        self._used.discard(connection)
        if address := self._addresses.pop(connection, None):
            self._counts[address] -= 1
            if not self._counts[address]:
                del self._counts[address]

    def _cut_off_oldest(self, idle: dict[Connection, None]) -> bool:
        """Close the oldest idle connection, preferably one that has never sent a request."""
        unused = next((connection for connection in idle if connection not in self._used), None)
        oldest = unused or next(iter(idle), None)
        if oldest is None:
            return False
        self.remove(oldest)
        oldest.abort()
        return True

    def _log_bound(self, bound: str, address: str) -> None:
        """Log that a bound is reached, at most once in a minute, with the number of new connections since then."""
        self._unlogged_count += 1
        if time.monotonic() < self._logged_at + _LOG_INTERVAL_S:
            return
        log.warning(
            "bound on connections reached",
            action="connections_bounded",
            bound=bound,
            address=address,
            open=len(self._addresses),
            count=self._unlogged_count,
        )
        self._logged_at, self._unlogged_count = time.monotonic(), 0


def group_address(host: str) -> str:
    """Return the name under which the connections of a host are counted: its address or its IPv6 network."""
    if ":" not in host:
        return host or "local"
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), _IPV6_PREFIX), strict=False))
