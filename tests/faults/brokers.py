"""Submits while the broker is away, and what becomes of them when it is back."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.factories import iris_spec
from tests.faults.installation import Installation
from tests.faults.outcome import Outcome, percentile
from tests.waiting import until

RESUMES_WITHIN_S = 30.0
"""After the return of a broker."""
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


def absence(on: Installation, *, minutes: int, say: Callable[[str], None]) -> Outcome:
    """Submit once a minute while the broker is dead; when it is back, work goes on soon and comes to its end."""
    outcome = Outcome(trials=minutes)
    on.valkey.kill()
    began, job_ids = time.monotonic(), list[str]()
    for minute in range(1, minutes + 1):
        answer = on.api.http.post("/v1/jobs", json=iris_spec())
        if answer.status_code == httpx2.codes.CREATED:
            job_ids.append(answer.json()["id"])
        else:
            outcome.wrong.append(f"answered {answer.status_code}")
        time.sleep(max(0.0, began + 60 * minute - time.monotonic()))
        say(f"{minute} of {minutes} minutes")
    on.valkey.start()
    returned = time.monotonic()
    until(lambda: any(_state(on, job_id) != "queued" for job_id in job_ids), within=300, every=0.1)
    resumed_s = time.monotonic() - returned
    outcome.figures["work went on after"] = f"{resumed_s:.1f} s"
    if resumed_s > RESUMES_WITHIN_S:
        outcome.wrong.append(f"work went on only after {resumed_s:.1f} s")
    for job_id in job_ids:
        outcome.hold(on.api, job_id, epochs=iris_spec()["training"]["epochs"], within=600)
    return outcome


def _state(on: Installation, job_id: str) -> str:
    return on.api.http.get(f"/v1/jobs/{job_id}").raise_for_status().json()["state"]
