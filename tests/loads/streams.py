"""Many streams of events and many pollers at once: what each heard, and how long reads took."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import httpx2

TERMINAL = frozenset({"succeeded", "diverged", "failed", "cancelled"})
_POLL_EVERY_S = 1.0


@dataclass
class Figures:
    """What the streams and the pollers saw; times are in seconds."""

    streams_ended: int = 0
    epochs_missing: int = 0
    epochs_doubled: int = 0
    reads: int = 0
    slowest_read: float = 0.0
    errors: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """What 99 of 100 reads took at most."""
        return quantiles(self.times, n=100)[98] if len(self.times) > 1 else self.slowest_read

    def __str__(self) -> str:
        return (
            f"{self.streams_ended} streams ended, {self.epochs_missing} epochs missing, "
            f"{self.epochs_doubled} doubled, {self.reads} reads, p99 {1000 * self.p99:.0f} ms, slowest {1000 * self.slowest_read:.0f} ms, "
            f"{len(self.errors)} errors"
        )


def load(
    url: str, job_ids: Sequence[str], *, streams: int, pollers: int, seconds: float, token: str | None = None
) -> Figures:
    """Follow the jobs by so many streams in all, and poll them meanwhile.

    Args:
        url: of the server.
        job_ids: jobs that run or wait, each of which ends within the time or is left then.
        streams: each follows one of the jobs until it has ended.
        pollers: each reads a job and the list of jobs once a second, in turn.
        seconds: how long the pollers go on; streams that have not ended a minute later are an error.
        token: of the server.

    """
    return asyncio.run(_load(url, job_ids, streams, pollers, seconds, token))


async def _load(
    url: str, job_ids: Sequence[str], streams: int, pollers: int, seconds: float, token: str | None
) -> Figures:
    figures = Figures()
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    limits = httpx2.Limits(max_connections=streams + pollers + 10)
    until = time.monotonic() + seconds
    async with httpx2.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60, trust_env=False) as http:
        following = [_follow(http, job_ids[number % len(job_ids)], figures, until + 60) for number in range(streams)]
        polling = [_poll(http, job_ids, number, figures, until) for number in range(pollers)]
        await asyncio.gather(*following, *polling)
    return figures


async def _follow(http: httpx2.AsyncClient, job_id: str, figures: Figures, until: float) -> None:
    heard: Counter[int] = Counter()
    try:
        async with asyncio.timeout(until - time.monotonic()):
            state = await _listen(http, job_id, heard)
    except (TimeoutError, httpx2.HTTPError) as error:
        figures.errors.append(f"stream of {job_id}: {error!r}")
        return
    figures.streams_ended += state in TERMINAL
    figures.epochs_missing += max(heard, default=-1) + 1 - len(heard)
    figures.epochs_doubled += sum(count - 1 for count in heard.values())


async def _listen(http: httpx2.AsyncClient, job_id: str, heard: Counter[int]) -> str:
    """Count the epochs of the latest attempt, and return the last state."""
    kind, state = "", ""
    async with http.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind == "state":
                state = json.loads(value)["to"]
                if state == "running":
                    heard.clear()
            elif name == "data" and kind == "epochs":
                heard.update(json.loads(value)["epochs"])
    return state


async def _poll(http: httpx2.AsyncClient, job_ids: Sequence[str], number: int, figures: Figures, until: float) -> None:
    routes: list[tuple[str, dict[str, Any]]] = [
        (f"/v1/jobs/{job_ids[number % len(job_ids)]}", {}),
        ("/v1/jobs", {"limit": 20}),
        (f"/v1/jobs/{job_ids[number % len(job_ids)]}/history", {}),
    ]
    turn = number
    while time.monotonic() < until:
        route, params = routes[turn % len(routes)]
        began = time.monotonic()
        try:
            (await http.get(route, params=params)).raise_for_status()
        except httpx2.HTTPError as error:
            figures.errors.append(f"{route}: {error!r}")
        took = time.monotonic() - began
        figures.reads += 1
        figures.times.append(took)
        figures.slowest_read = max(figures.slowest_read, took)
        turn += 1
        await asyncio.sleep(max(0.0, _POLL_EVERY_S - took))
