"""Two hundred event streams and fifty pollers, for as long as is asked, while jobs train."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2

from tests.chaos.report import Result
from tests.chaos.round import Round, Say, begun

_STREAMS = 200
_POLLERS = 50
_POLL_S = 1.0
_READ_MS = 250.0
"""In which 99 of 100 reads are to be answered."""


@dataclass
class _Heard:
    """What the clients were told."""

    events: int = 0
    ends: int = 0
    reads_ms: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Listen and poll for so many times six seconds."""
    began = time.monotonic()
    with begun(database, seed=seed, say=say, **options) as round_:
        round_.load.start(jobs or None)
        heard = asyncio.run(_listen(round_, 6.0 * trials))
        verdict = round_.end()
        p99 = sorted(heard.reads_ms)[int(len(heard.reads_ms) * 0.99)]
        trials_done = Counter({"streams to their end": heard.ends, "reads": len(heard.reads_ms)})
        measured = {
            "events": heard.events,
            "99 % of reads within, ms": round(p99),
            "longest read, ms": max(heard.reads_ms),
        }
        broken = [*heard.wrong, *([f"a read in a hundred took over {p99:.0f} ms"] if p99 > _READ_MS else [])]
        return Result.of(round_, "streams", began, trials_done, verdict, measured, broken)


async def _listen(round_: Round, seconds: float) -> _Heard:
    heard, end = _Heard(), time.monotonic() + seconds
    limits = httpx2.Limits(max_connections=_STREAMS + _POLLERS)
    async with httpx2.AsyncClient(base_url=round_.installation.url, timeout=60, limits=limits) as http:
        streams = [_follow_some(http, round_, heard, end) for _ in range(_STREAMS)]
        pollers = [_poll(http, round_, heard, end) for _ in range(_POLLERS)]
        await asyncio.gather(*streams, *pollers)
    return heard


async def _poll(http: httpx2.AsyncClient, round_: Round, heard: _Heard, end: float) -> None:
    while time.monotonic() < end:
        job_id = round_.random.choice(list(round_.load.accepted))
        path = round_.random.choice(["", "/history?max_points=100"])
        began = time.perf_counter()
        try:
            response = await http.get(f"/v1/jobs/{job_id}{path}")
        except httpx2.TransportError as error:
            heard.wrong.append(f"a read was not answered: {error!r}")
        else:
            heard.reads_ms.append(1000 * (time.perf_counter() - began))
            if not response.is_success:
                heard.wrong.append(f"a read was answered {response.status_code}")
        await asyncio.sleep(_POLL_S)


async def _follow_some(http: httpx2.AsyncClient, round_: Round, heard: _Heard, end: float) -> None:
    while time.monotonic() < end:
        waiting = round_.load.unended() or list(round_.load.accepted)
        try:
            await _follow(http, round_.random.choice(waiting), heard, end)
        except httpx2.TransportError as error:
            heard.wrong.append(f"a stream broke: {error!r}")
        await asyncio.sleep(0.2)


async def _follow(http: httpx2.AsyncClient, job_id: UUID, heard: _Heard, end: float) -> None:
    """Read a job's events to their end: the numbers go up, and the last one says how the job ended."""
    number, event, last, told = (0, 0), "", "", 0
    async with http.stream("GET", f"/v1/jobs/{job_id}/events") as response:
        if response.status_code != httpx2.codes.OK:
            heard.wrong.append(f"a stream was answered {response.status_code}")
            return
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "id":
                before, number = number, _number(value)
                if number <= before:
                    heard.wrong.append(f"event {number} came after {before}")
            elif name == "data":
                told += 1
                last = json.loads(value)["to"] if event == "state" else ""
            elif time.monotonic() > end:
                heard.events += told
                return
    heard.events += told
    heard.ends += 1
    if last not in {"succeeded", "diverged", "failed", "cancelled"}:
        heard.wrong.append(f"a stream ended after {event} {last}")


def _number(value: str) -> tuple[int, ...]:
    return tuple(int(part) for part in value.split("."))
