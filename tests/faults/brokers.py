"""Submits while the broker is away."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.factories import iris_spec
from tests.faults.installation import Installation
from tests.faults.outcome import Outcome, percentile

_PROMPT_S = 0.3
"""Within which 99 of 100 submits are to be answered."""


def submits(on: Installation, *, number: int, clients: int, fault: str) -> Outcome:
    """Submit while the broker is away; every answer is to be a 201, soon."""
    outcome = Outcome(trials=number)
    {"dead": on.valkey.kill, "frozen": on.valkey.freeze, "there": lambda: None}[fault]()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda _: _timed(on.api.http), range(number)))
    statuses = [status for status, _ in answers]
    times = [took for _, took in answers]
    outcome.wrong = [f"answered {status}" for status in statuses if status != httpx2.codes.CREATED]
    if percentile(times, 0.99) > _PROMPT_S:
        outcome.wrong.append(f"the 99th percentile is over {_PROMPT_S} s")
    outcome.figures["ms"] = ", ".join(
        f"{name} {1000 * percentile(times, share):.0f}" for name, share in (("median", 0.5), ("p99", 0.99), ("max", 1))
    )
    return outcome


def _timed(http: httpx2.Client) -> tuple[int, float]:
    began = time.perf_counter()
    status = http.post("/v1/jobs", json=iris_spec()).status_code
    return status, time.perf_counter() - began
