"""Many streams of events and many pollers at once: what each heard, and how long reads took."""

import asyncio
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from statistics import median, quantiles
from typing import Any

import httpx2

from models import TERMINAL_STATES

_POLL_EVERY_S = 1.0
_PROMPT_S = 0.25
"""Within which 99 of 100 reads are to be answered."""


@dataclass
class Figures:
    """What the streams and the pollers saw; times are in seconds."""

    streams_ended: int = 0
    streams_cut_off: int = 0
    epochs: int = 0
    epochs_missing: int = 0
    epochs_doubled: int = 0
    read_times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """What 99 of 100 reads took at most."""
        return quantiles(self.read_times, n=100)[98] if len(self.read_times) > 1 else 0.0

    @property
    def wrong(self) -> list[str]:
        """What clients are promised otherwise, each in a sentence."""
        counted = {"epochs missing": self.epochs_missing, "epochs doubled": self.epochs_doubled}
        wrong = [*self.errors, *(f"{count} {what}" for what, count in counted.items() if count)]
        return wrong + ([f"the 99th percentile of reads is {self.p99:.3f} s"] if self.p99 > _PROMPT_S else [])

    def __str__(self) -> str:
        half, most = median(self.read_times or [0]), max(self.read_times, default=0)
        times = f"half within {1000 * half:.0f} ms, p99 {1000 * self.p99:.0f} ms, slowest {1000 * most:.0f} ms"
        reads = f"{len(self.read_times)} reads, {times}"
        streams = f"{self.streams_ended} streams to a job's end, {self.streams_cut_off} cut off by ours"
        epochs = f"{self.epochs} epochs heard, {self.epochs_missing} missing, {self.epochs_doubled} doubled"
        return "; ".join([reads, streams, epochs, f"{len(self.errors)} errors"])


@dataclass
class Streams:
    """Streams from one server.

    Args:
        http: to the server.
        job_ids: what is followed.
        ends: when to stop, by `time.monotonic()`.

    """

    http: httpx2.AsyncClient
    job_ids: Sequence[str]
    ends: float
    figures: Figures = field(default_factory=Figures)
    ended: set[str] = field(default_factory=set)

    async def follow(self, number: int) -> None:
        """Follow one job after another to its end, each time the next that is not known to have ended."""
        turned = [*self.job_ids[number % len(self.job_ids) :], *self.job_ids[: number % len(self.job_ids)]]
        while job_id := next((job_id for job_id in turned if job_id not in self.ended), None):
            heard: Counter[int] = Counter()
            try:
                async with asyncio.timeout(self.ends - time.monotonic()):
                    state = await self._listen(job_id, heard)
            except TimeoutError:
                self.figures.streams_cut_off += 1
                return
            except httpx2.HTTPError as error:
                self.figures.errors.append(f"stream of {job_id}: {error!r}")
                return
            finally:
                self._count(heard)
            if state not in TERMINAL_STATES:
                self.figures.errors.append(f"stream of {job_id}: ended while it was {state!r}")
                return
            self.figures.streams_ended += 1
            self.ended.add(job_id)

    async def _listen(self, job_id: str, heard: Counter[int]) -> str:
        """Count the epochs of the latest attempt, and return the last state."""
        kind, state = "", ""
        async with self.http.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind == "state":
                    state = json.loads(value)["to"]
                    if state == "running":
                        self._count(heard)
                        heard.clear()
                elif name == "data" and kind == "epochs":
                    heard.update(json.loads(value)["epochs"])
        return state

    def _count(self, heard: Counter[int]) -> None:
        self.figures.epochs += len(heard)
        self.figures.epochs_missing += max(heard, default=-1) + 1 - len(heard)
        self.figures.epochs_doubled += sum(count - 1 for count in heard.values())


def load(
    url: str, job_ids: Sequence[str], *, streams: int, pollers: int, seconds: float, token: str | None = None
) -> Figures:
    """Follow jobs by so many streams at once, and poll them meanwhile, until all have ended or the time is over.

    The pollers have a process of their own: what the streams bring must not keep them from looking at the clock.

    Args:
        url: of the server.
        job_ids: jobs that wait or run.
        streams: each follows one job after another.
        pollers: each reads once a second.
        seconds: how long at most.
        token: of the server.

    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    context = multiprocessing.get_context("spawn")
    over, (told, telling) = context.Event(), context.Pipe(duplex=False)
    polling = context.Process(target=_poll_all, args=(url, headers, job_ids, pollers, over, telling))
    polling.start()
    telling.close()  # so that its end is heard
    try:
        figures = asyncio.run(_follow_all(url, headers, job_ids, streams, seconds))
    finally:
        over.set()
    read_times, errors = told.recv()
    polling.join()
    figures.read_times += read_times
    figures.errors += errors
    return figures


async def _follow_all(
    url: str, headers: dict[str, str], job_ids: Sequence[str], streams: int, seconds: float
) -> Figures:
    async with _client(url, headers, streams) as http:
        whole = Streams(http, job_ids, time.monotonic() + seconds)
        await asyncio.gather(*(whole.follow(number) for number in range(streams)))
    return whole.figures


def _poll_all(
    url: str, headers: dict[str, str], job_ids: Sequence[str], pollers: int, over: Any, telling: Any
) -> None:
    read_times: list[float] = []
    errors: list[str] = []
    started = time.monotonic()

    async def poll(http: httpx2.AsyncClient, number: int) -> None:
        """Read a job, the list of jobs and a history, in turn, one a second and one at least."""
        job = f"/v1/jobs/{job_ids[number % len(job_ids)]}"
        routes: list[tuple[str, dict[str, Any]]] = [(job, {}), ("/v1/jobs", {"limit": 20}), (f"{job}/history", {})]
        due = started + number / pollers * _POLL_EVERY_S
        for route, params in islice(cycle(routes), number % len(routes), None):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            began = time.monotonic()
            try:
                (await http.get(route, params=params)).raise_for_status()
            except httpx2.HTTPError as error:
                errors.append(f"{route}: {error!r}")
            read_times.append(time.monotonic() - began)
            if over.is_set():  # only now, for the streams may end before this process is up
                return
            due = max(due + _POLL_EVERY_S, began)

    async def all_of_them() -> None:
        async with _client(url, headers, pollers) as http:
            await asyncio.gather(*(poll(http, number) for number in range(pollers)))

    asyncio.run(all_of_them())
    telling.send((read_times, errors))


def _client(url: str, headers: dict[str, str], connections: int) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=connections)
    return httpx2.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60, trust_env=False)
