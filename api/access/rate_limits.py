"""Rate limits of tokens, counted by the broker for all processes of the API, or in memory on a single machine."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.settings import Settings

_TIMEOUT_S = 0.25
"""How long a request waits for the broker."""
_PAUSE_S = 5.0
"""How long no request asks the broker after it has failed."""
_KEY_PREFIX = "stackyard-rate-limits"
_LOCAL_SCHEMES = frozenset({"redis+socket", "unix"})
"""Schemes of brokers that `stackyard serve` starts, beside the one process of the API."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Quota:
    """What is left of the requests of a token in the current window.

    Args:
        limit: number of requests in a window.
        window_s: the length of a window in seconds.
        remaining: number of requests that are left; negative if the request is one too many.
        reset_s: seconds until the next window.

    """

    limit: int
    window_s: int
    remaining: int
    reset_s: float

    @property
    def is_exceeded(self) -> bool:
        """Whether the request is one too many."""
        return self.remaining < 0

    def build_headers(self) -> dict[str, str]:
        """Return the headers of draft-ietf-httpapi-ratelimit-headers, and when to try again."""
        reset_s = math.ceil(self.reset_s)
        headers = {
            "RateLimit-Policy": f'"token";q={self.limit};w={self.window_s}',
            "RateLimit": f'"token";r={max(0, self.remaining)};t={reset_s}',
        }
        return headers | ({"Retry-After": str(reset_s)} if self.is_exceeded else {})


class RateLimiter:
    """Counts the requests of each token in windows of fixed length. It is used in one event loop.

    A request costs one round trip to the broker. A broker that does not answer limits no request, and is not asked
    again for some seconds.

    Args:
        settings: for the limit, and the address of the broker.
        clock: returns seconds since the epoch.

    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._limit: RateLimitItem | None = parse(settings.rate_limit) if settings.rate_limit else None
        self._broker_url = settings.resolved_broker_url
        self._clock = clock
        self._storage: Storage | None = None
        self._paused_until = -math.inf

    async def count_request(self, token_id: UUID) -> Quota | None:
        """Count a request of a token; return None if no limit applies now."""
        now = self._clock()
        if self._limit is None or now < self._paused_until:
            return None
        window_s = self._limit.get_expiry()
        window, passed_s = divmod(now, window_s)
        self._storage = self._storage or _open_storage(self._broker_url)
        try:
            count = await self._storage.incr(self._limit.key_for(str(token_id), str(int(window))), window_s)
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = self._clock() + _PAUSE_S
            log.warning("requests not counted", action="rate_limits_paused", error=str(error))
            return None
        return Quota(self._limit.amount, window_s, self._limit.amount - count, window_s - passed_s)


def _open_storage(broker_url: str) -> Storage:
    parts = urlsplit(broker_url)
    if parts.scheme in _LOCAL_SCHEMES:
        return MemoryStorage()
    # limits checks no upper bound of redis-py, although its extra does not install beside the newest one.
    return RedisStorage(
        f"async+{broker_url}",
        implementation="redispy",
        key_prefix=_KEY_PREFIX,
        socket_connect_timeout=_TIMEOUT_S,
        socket_timeout=_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),  # pyright: ignore[reportArgumentType]  # limits passes all options to redis-py
    )
