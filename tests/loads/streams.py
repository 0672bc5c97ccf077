"""Many event streams and many pollers at once: the events of each stream, and the times of reads."""

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

_POLL_INTERVAL_S = 1.0
_MAX_P99_S = 0.25
"""The limit for the 99th percentile of read times."""


@dataclass
class LoadFigures:
    """The counts of all streams and the read times of all pollers; times are in seconds."""

    streams_ended: int = 0
    streams_cut_off: int = 0
    epochs: int = 0
    epochs_missing: int = 0
    epochs_doubled: int = 0
    read_times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """The 99th percentile of the read times."""
        return quantiles(self.read_times, n=100)[98] if len(self.read_times) > 1 else 0.0

    @property
    def wrong(self) -> list[str]:
        """The broken promises, in words."""
        counted = {"epochs missing": self.epochs_missing, "epochs doubled": self.epochs_doubled}
        wrong = [*self.errors, *(f"{count} {label}" for label, count in counted.items() if count)]
        return wrong + ([f"the 99th percentile of reads is {self.p99:.3f} s"] if self.p99 > _MAX_P99_S else [])

    def __str__(self) -> str:
        middle, slowest = median(self.read_times or [0]), max(self.read_times, default=0)
        times = f"half within {1000 * middle:.0f} ms, p99 {1000 * self.p99:.0f} ms, slowest {1000 * slowest:.0f} ms"
        reads = f"{len(self.read_times)} reads, {times}"
        streams = f"{self.streams_ended} streams to a job's end, {self.streams_cut_off} cut off by ours"
        epochs = f"{self.epochs} epochs heard, {self.epochs_missing} missing, {self.epochs_doubled} doubled"
        return "; ".join([reads, streams, epochs, f"{len(self.errors)} errors"])


@dataclass
class JobFollower:
    """Follows jobs of one server by event streams.

    Args:
        http: a client of the server.
        job_ids: the jobs to follow.
        deadline: when to stop, by `time.monotonic()`.

    """

    http: httpx2.AsyncClient
    job_ids: Sequence[str]
    deadline: float
    figures: LoadFigures = field(default_factory=LoadFigures)
    ended: set[str] = field(default_factory=set)

    async def follow_jobs(self, number: int) -> None:
        """Follow one job after another to its end, and skip jobs that other streams saw end."""
        rotated = [*self.job_ids[number % len(self.job_ids) :], *self.job_ids[: number % len(self.job_ids)]]
        while job_id := next((job_id for job_id in rotated if job_id not in self.ended), None):
            counts: Counter[int] = Counter()
            try:
                async with asyncio.timeout(self.deadline - time.monotonic()):
                    state = await self._read_events(job_id, counts)
            except TimeoutError:
                self.figures.streams_cut_off += 1
                return
            except httpx2.HTTPError as error:
                self.figures.errors.append(f"stream of {job_id}: {error!r}")
                return
            finally:
                self._add_counts(counts)
            if state not in TERMINAL_STATES:
                self.figures.errors.append(f"stream of {job_id}: ended while it was {state!r}")
                return
            self.figures.streams_ended += 1
            self.ended.add(job_id)

    async def _read_events(self, job_id: str, counts: Counter[int]) -> str:
        """Count the epochs of the latest attempt, and return the last state."""
        kind, state = "", ""
        async with self.http.stream("GET", f"/v1/jobs/{job_id}/events") as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind == "state":
                    state = json.loads(value)["to"]
                    if state == "running":
                        self._add_counts(counts)
                        counts.clear()
                elif name == "data" and kind == "epochs":
                    counts.update(json.loads(value)["epochs"])
        return state

    def _add_counts(self, counts: Counter[int]) -> None:
        self.figures.epochs += len(counts)
        self.figures.epochs_missing += max(counts, default=-1) + 1 - len(counts)
        self.figures.epochs_doubled += sum(count - 1 for count in counts.values())


def follow_and_poll(
    url: str, job_ids: Sequence[str], *, streams: int, pollers: int, seconds: float, token: str | None = None
) -> LoadFigures:
    """Follow jobs by streams and poll them at the same time, until all have ended or the time is over.

    The pollers run in their own process, so that the work of the streams does not distort their times.

    Args:
        url: the URL of the server.
        job_ids: queued or running jobs.
        streams: the number of streams, each of which follows one job after another.
        pollers: the number of pollers, each of which reads once a second.
        seconds: the maximum duration.
        token: the server's token.

    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    context = multiprocessing.get_context("spawn")
    stopping, (receiver, sender) = context.Event(), context.Pipe(duplex=False)
    poll_process = context.Process(target=_poll_all, args=(url, headers, job_ids, pollers, stopping, sender))
    poll_process.start()
    sender.close()  # so that `recv` fails if the process dies
    try:
        figures = asyncio.run(_follow_all(url, headers, job_ids, streams, seconds))
    finally:
        stopping.set()
    read_times, errors = receiver.recv()
    poll_process.join()
    figures.read_times += read_times
    figures.errors += errors
    return figures


async def _follow_all(
    url: str, headers: dict[str, str], job_ids: Sequence[str], streams: int, seconds: float
) -> LoadFigures:
    async with _create_client(url, headers, streams) as http:
        follower = JobFollower(http, job_ids, time.monotonic() + seconds)
        await asyncio.gather(*(follower.follow_jobs(number) for number in range(streams)))
    return follower.figures


def _poll_all(
    url: str, headers: dict[str, str], job_ids: Sequence[str], pollers: int, stopping: Any, sender: Any
) -> None:
    read_times: list[float] = []
    errors: list[str] = []
    first_start = time.monotonic()

    async def poll_in_turn(http: httpx2.AsyncClient, number: int) -> None:
        """Read a job, the list of jobs and a history in turn, one per second and at least one."""
        job = f"/v1/jobs/{job_ids[number % len(job_ids)]}"
        routes: list[tuple[str, dict[str, Any]]] = [(job, {}), ("/v1/jobs", {"limit": 20}), (f"{job}/history", {})]
        due = first_start + number / pollers * _POLL_INTERVAL_S
        for route, params in islice(cycle(routes), number % len(routes), None):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            start = time.monotonic()
            try:
                (await http.get(route, params=params)).raise_for_status()
            except httpx2.HTTPError as error:
                errors.append(f"{route}: {error!r}")
            read_times.append(time.monotonic() - start)
            if stopping.is_set():  # checked after a read: the streams may end before this process has started
                return
            due = max(due + _POLL_INTERVAL_S, start)

    async def run_pollers() -> None:
        async with _create_client(url, headers, pollers) as http:
            await asyncio.gather(*(poll_in_turn(http, number) for number in range(pollers)))

    asyncio.run(run_pollers())
    sender.send((read_times, errors))


def _create_client(url: str, headers: dict[str, str], connections: int) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=connections)
    return httpx2.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60, trust_env=False)
