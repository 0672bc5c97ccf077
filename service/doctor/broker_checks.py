"""Checks of the broker: whether it answers, how fast, and what it does when its memory is full."""

# Redis's keyword arguments have no types.
# pyright: reportUnknownMemberType=false

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from redis import Redis
from redis.exceptions import RedisError

from service.doctor.findings import Finding, report_ok, report_problem, warn
from service.settings import Settings

_SUBJECT = "broker"
_SOCKET_SCHEME = "redis+socket"
_SAMPLES = 5
_TIMEOUT_S = 5
_MAX_LATENCY_S = 0.05


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Check everything about the broker; only its reachability if it does not answer."""
    url = urlsplit(settings.resolved_broker_url)
    if url.scheme == _SOCKET_SCHEME and not Path(unquote(url.path)).exists():
        advice = "Start `stackyard serve`, or set STACKYARD_BROKER_URL if the server uses another broker."
        yield warn(_SUBJECT, "It is not running: its socket does not exist.", advice)
        return
    try:
        with Redis.from_url(_convert_url(url), socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S) as broker:
            yield from _check_latency(broker)
            yield from _check_configuration(broker)
    except (RedisError, OSError, ValueError) as error:
        advice = "Start it, and check STACKYARD_BROKER_URL and its password. Until then, jobs start later."
        yield report_problem(_SUBJECT, f"It does not answer: {str(error).partition(chr(10))[0]}.", advice)


def _convert_url(url: SplitResult) -> str:
    """Return the URL as the Redis client expects it; Celery has a scheme of its own for sockets."""
    return f"unix://{url.path}" if url.scheme == _SOCKET_SCHEME else urlunsplit(url)


def _check_latency(broker: Redis) -> Iterator[Finding]:
    latency = median(_measure_ping(broker) for _ in range(_SAMPLES))
    info: Any = broker.info("server")
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version", info.get("redis_version", "of an unknown version"))
    message = f"{name} {version} answers within {latency * 1000:.1f} ms."
    if latency > _MAX_LATENCY_S:
        yield warn(_SUBJECT, message, "Every submit waits for it: bring it closer, or find its load.")
    else:
        yield report_ok(_SUBJECT, message)


def _measure_ping(broker: Redis) -> float:
    started = time.perf_counter()
    broker.ping()
    return time.perf_counter() - started


def _check_configuration(broker: Redis) -> Iterator[Finding]:
    """Check the memory and the persistence. A hosted broker may not tell its configuration."""
    memory: Any = broker.info("memory")
    persistence: Any = broker.info("persistence")
    policy, limit = memory.get("maxmemory_policy", "noeviction"), memory.get("maxmemory", 0)
    if limit and policy != "noeviction":
        message = f"With full memory it deletes keys by the policy {policy}, which may be waiting messages."
        yield warn(_SUBJECT, message, "Set `maxmemory-policy noeviction`, and give it a database of its own.")
    elif limit and memory.get("used_memory", 0) > 0.9 * limit:
        yield warn(_SUBJECT, "More than nine tenths of its memory are used.", "Raise `maxmemory`.")
    else:
        yield report_ok(_SUBJECT, f"Its policy for full memory is {policy}.")
    if persistence.get("aof_enabled") or persistence.get("rdb_saves"):
        yield report_ok(_SUBJECT, "It writes to its disk. It need not: its messages are only wake-ups.")
