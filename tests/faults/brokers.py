"""Submits during an outage of the broker, and the fate of their jobs after its return."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.factories import iris_spec
from tests.faults.installation import Installation
from tests.faults.outcome import Outcome, compute_percentile
from tests.polling import wait_until

RESUMES_WITHIN_S = 30.0
"""The limit for the first claim after the return of a broker."""
_MAX_P99_S = 0.3
"""The limit for the 99th percentile of the answer times of submits."""


def run_submit_trial(installation: Installation, *, number: int, clients: int, fault: str) -> Outcome:
    """Submit during an outage of the broker, and expect that every submit is promptly answered 201."""
    outcome = Outcome(trials=number)
    {"dead": installation.valkey.kill, "frozen": installation.valkey.freeze, "none": lambda: None}[fault]()
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(lambda _: _submit_timed(installation.api.http), range(number)))
    statuses = [status for status, _ in answers]
    times = [seconds for _, seconds in answers]
    outcome.wrong = [f"answered {status}" for status in statuses if status != httpx2.codes.CREATED]
    if compute_percentile(times, 0.99) > _MAX_P99_S:
        outcome.wrong.append(f"the 99th percentile is over {_MAX_P99_S} s")
    outcome.figures["ms"] = ", ".join(
        f"{name} {1000 * compute_percentile(times, share):.0f}"
        for name, share in (("median", 0.5), ("p99", 0.99), ("max", 1))
    )
    return outcome


def _submit_timed(http: httpx2.Client) -> tuple[int, float]:
    start = time.perf_counter()
    status = http.post("/v1/jobs", json=iris_spec()).status_code
    return status, time.perf_counter() - start


def run_absence_trial(installation: Installation, *, minutes: int, say: Callable[[str], None]) -> Outcome:
    """Submit once a minute while the broker is dead; expect that all jobs soon run and succeed after its return."""
    outcome = Outcome(trials=minutes)
    installation.valkey.kill()
    start, job_ids = time.monotonic(), list[str]()
    for minute in range(1, minutes + 1):
        answer = installation.api.http.post("/v1/jobs", json=iris_spec())
        if answer.status_code == httpx2.codes.CREATED:
            job_ids.append(answer.json()["id"])
        else:
            outcome.wrong.append(f"answered {answer.status_code}")
        time.sleep(max(0.0, start + 60 * minute - time.monotonic()))
        say(f"{minute} of {minutes} minutes")
    installation.valkey.start()
    return_time = time.monotonic()
    wait_until(lambda: any(_get_state(installation, job_id) != "queued" for job_id in job_ids), within=300, every=0.1)
    resumed_s = time.monotonic() - return_time
    outcome.figures["work went on after"] = f"{resumed_s:.1f} s"
    if resumed_s > RESUMES_WITHIN_S:
        outcome.wrong.append(f"work resumed only after {resumed_s:.1f} s")
    for job_id in job_ids:
        outcome.check_job(installation.api, job_id, epochs=iris_spec()["training"]["epochs"], within=600)
    return outcome


def _get_state(installation: Installation, job_id: str) -> str:
    return installation.api.http.get(f"/v1/jobs/{job_id}").raise_for_status().json()["state"]
