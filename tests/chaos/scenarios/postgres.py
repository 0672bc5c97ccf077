"""PostgreSQL is restarted under load, in order and by a crash."""

import time
from collections import Counter
from typing import Any

import httpx2

from tests.chaos.report import Result
from tests.chaos.round import Round, Say, start_round
from tests.polling import wait_until

DATABASES = ("postgres",)
_OUTAGE_S = (0.0, 3.0)


def run(database: str, *, seed: int, trials: int, say: Say, jobs: int = 0, **options: Any) -> Result:
    """Restart PostgreSQL `trials` times, each time after a short outage."""
    start = time.monotonic()
    counts: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    with start_round(database, seed=seed, say=say, **options) as round_:
        round_.load.start(jobs or None)
        for number in range(trials):
            time.sleep(round_.random.uniform(1.0, 5.0))
            mode = round_.random.choice(["fast", "immediate"])
            _restart_postgres(round_, mode, answers)
            counts[f"restarted, {mode}"] += 1
            say(f"restart {number + 1} of {trials}: {mode}; {len(round_.load.accepted)} jobs accepted")
        verdict = round_.finish()
        measured = {"answers while it was away": dict(answers)}
        broken = [f"while it was away: {answer}" for answer in answers if answer != "503 with Retry-After"]
        return Result.from_round(round_, "postgres", start, counts, verdict, measured, broken)


def _restart_postgres(round_: Round, mode: str, answers: Counter[str]) -> None:
    postgres = round_.installation.postgres
    assert postgres is not None
    postgres.stop(mode)
    return_time = time.monotonic() + round_.random.uniform(*_OUTAGE_S)
    with round_.installation.create_client() as http:
        while True:
            answers[_request_jobs(http)] += 1
            if time.monotonic() > return_time:
                break
            time.sleep(0.2)
    postgres.start()
    wait_until(round_.installation.is_ready, within=60, every=0.1)


def _request_jobs(http: httpx2.Client) -> str:
    try:
        response = http.get("/v1/jobs?limit=5")
    except httpx2.TransportError as error:
        return f"no answer: {error!r}"
    retry_hint = " with Retry-After" if "Retry-After" in response.headers else ""
    return f"{response.status_code}{retry_hint}"
